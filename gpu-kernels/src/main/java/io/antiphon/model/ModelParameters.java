package io.antiphon.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The weights of the transformer on one rank, declared in one order on every rank. */
final class ModelParameters {
  /** Weights of attention: norm, projections to queries, keys and values, and back. */
  record Attention(Parameter norm, Parameter q, Parameter k, Parameter v, Parameter out) {}

  /** A SwiGLU network: {@code [2 * ffn, hidden]} (gate, then up) and {@code [hidden, ffn]}. */
  record Ffn(Parameter gateUp, Parameter down) {}

  /**
   * A mixture-of-experts layer: router {@code [experts, hidden]}, this rank's experts, shared
   * expert.
   */
  record Moe(Parameter router, Ffn experts, Optional<Ffn> shared) {}

  /** One block; exactly one of {@code dense} and {@code moe} is present. */
  record Block(
      Optional<Attention> attention, Parameter ffnNorm, Optional<Ffn> dense, Optional<Moe> moe) {}

  private final Parameter embedding;
  private final Parameter finalNorm;
  private final Parameter head;
  private final List<Block> blocks = new ArrayList<>();

  /**
   * Declares all weights.
   *
   * @param expertRank this rank's position in its expert-parallel group
   * @param expertRanks size of that group; divides the experts
   */
  ModelParameters(
      ParameterRegistry registry, ModelOptions options, int expertRank, int expertRanks) {
    double std = options.initialWeights().std();
    embedding = registry.matrix("embedding.weight", std, options.vocabulary(), options.hidden());
    for (int layer = 0; layer < options.layers(); layer++) {
      blocks.add(block(registry, options, layer, expertRank, expertRanks));
    }
    finalNorm = registry.norm("norm.weight", options.hidden());
    head =
        options.tiedHead()
            ? embedding
            : registry.matrix("head.weight", std, options.vocabulary(), options.hidden());
  }

  private static Block block(
      ParameterRegistry registry,
      ModelOptions options,
      int layer,
      int expertRank,
      int expertRanks) {
    String prefix = "layers." + layer + ".";
    int hidden = options.hidden();
    double std = options.initialWeights().std();
    // Projections into the residual stream start smaller, so that its variance does not grow with
    // depth.
    double outStd = std / Math.sqrt(2.0 * options.layers());
    Optional<Attention> attention = Optional.empty();
    if (options.attention().isPresent()) {
      long queries = options.attention().orElseThrow().queryWidth();
      long keys = options.attention().orElseThrow().keyWidth();
      attention =
          Optional.of(
              new Attention(
                  registry.norm(prefix + "attention.norm.weight", hidden),
                  registry.matrix(prefix + "attention.q.weight", std, queries, hidden),
                  registry.matrix(prefix + "attention.k.weight", std, keys, hidden),
                  registry.matrix(prefix + "attention.v.weight", std, keys, hidden),
                  registry.matrix(prefix + "attention.out.weight", outStd, hidden, queries)));
    }
    Parameter ffnNorm = registry.norm(prefix + "ffn.norm.weight", hidden);
    if (!options.isMoe(layer)) {
      Ffn dense = ffn(registry, prefix + "ffn.", std, outStd, options.denseFfn(), hidden);
      return new Block(attention, ffnNorm, Optional.of(dense), Optional.empty());
    }
    MoeOptions moe = options.moe();
    int localExperts = moe.experts() / expertRanks;
    int first = expertRank * localExperts;
    Parameter router = registry.matrix(prefix + "moe.router.weight", std, moe.experts(), hidden);
    String expert = prefix + "moe.experts.{expert}.";
    Ffn experts =
        new Ffn(
            registry.experts(
                expert + "fc1.weight", std, first, localExperts, 2L * moe.expertFfn(), hidden),
            registry.experts(
                expert + "fc2.weight", outStd, first, localExperts, hidden, moe.expertFfn()));
    Optional<Ffn> shared =
        moe.sharedFfn() > 0
            ? Optional.of(
                ffn(registry, prefix + "moe.shared.", std, outStd, moe.sharedFfn(), hidden))
            : Optional.empty();
    return new Block(
        attention, ffnNorm, Optional.empty(), Optional.of(new Moe(router, experts, shared)));
  }

  private static Ffn ffn(
      ParameterRegistry registry, String prefix, double std, double outStd, int ffn, int hidden) {
    return new Ffn(
        registry.matrix(prefix + "fc1.weight", std, 2L * ffn, hidden),
        registry.matrix(prefix + "fc2.weight", outStd, hidden, ffn));
  }

  Parameter embedding() {
    return embedding;
  }

  Parameter finalNorm() {
    return finalNorm;
  }

  Parameter head() {
    return head;
  }

  Block block(int layer) {
    return blocks.get(layer);
  }
}
