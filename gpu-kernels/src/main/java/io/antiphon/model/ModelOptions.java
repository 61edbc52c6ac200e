package io.antiphon.model;

import java.util.Optional;

/**
 * Shape of the transformer.
 *
 * @param vocabulary token ids are in {@code [0, vocabulary)}
 * @param endOfText token that ends a document
 * @param sequenceLength tokens of a sequence
 * @param layers transformer blocks
 * @param denseLayers leading blocks whose feed-forward network is dense
 * @param hidden width of the residual stream
 * @param denseFfn width of a dense feed-forward network
 * @param normEpsilon added to the mean square of RMSNorm
 * @param tiedHead the output projection is the embedding table
 * @param recompute activations inside a block are computed again in backward instead of kept
 * @param attention of the blocks; without it a token sees itself only (for ablations)
 * @param initialWeights what training begins with
 * @param moe expert layers
 */
public record ModelOptions(
    int vocabulary,
    int endOfText,
    int sequenceLength,
    int layers,
    int denseLayers,
    int hidden,
    int denseFfn,
    double normEpsilon,
    boolean tiedHead,
    boolean recompute,
    Optional<AttentionOptions> attention,
    InitialWeights initialWeights,
    MoeOptions moe) {

  /** Whether the feed-forward network of {@code layer} is a mixture of experts. */
  public boolean isMoe(int layer) {
    return moe.experts() > 0 && layer >= denseLayers;
  }

  /** Number of mixture-of-experts layers. */
  public int moeLayers() {
    return moe.experts() > 0 ? layers - denseLayers : 0;
  }
}
