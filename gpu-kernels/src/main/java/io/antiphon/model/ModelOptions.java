package io.antiphon.model;

/**
 * Shape of the transformer.
 *
 * @param vocabulary token ids are in {@code [0, vocabulary)}
 * @param endOfText token that ends a document
 * @param sequenceLength tokens of a sequence
 * @param layers transformer blocks
 * @param denseLayers leading blocks whose feed-forward network is dense
 * @param hidden width of the residual stream
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides heads
 * @param headDim width of a head; even
 * @param denseFfn width of a dense feed-forward network
 * @param normEpsilon added to the mean square of RMSNorm
 * @param ropeTheta base of the rotary embedding's wavelengths
 * @param tiedHead the output projection is the embedding table
 * @param attention whether blocks have attention; without it a token sees itself only (for
 *     ablations)
 * @param recompute activations inside a block are computed again in backward instead of kept
 * @param initStd standard deviation of initial weights
 * @param seed of the initial weights
 * @param moe expert layers
 */
public record ModelOptions(
    int vocabulary,
    int endOfText,
    int sequenceLength,
    int layers,
    int denseLayers,
    int hidden,
    int heads,
    int keyValueHeads,
    int headDim,
    int denseFfn,
    double normEpsilon,
    double ropeTheta,
    boolean tiedHead,
    boolean attention,
    boolean recompute,
    double initStd,
    long seed,
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
