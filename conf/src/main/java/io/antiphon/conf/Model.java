package io.antiphon.conf;

/**
 * The shape of the transformer.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code model}.
 */
public record Model(
    @Key(doc = "Transformer layers", megatron = "--num-layers", min = 1, example = "24") int layers,
    @Key(
            doc = "Width of the residual stream",
            megatron = "--hidden-size",
            min = 1,
            example = "1024")
        int hidden,
    @Key(
            doc = "Query heads of attention",
            megatron = "--num-attention-heads",
            min = 1,
            example = "16")
        int attentionHeads,
    @Key(
            doc = "Key and value heads; each serves an equal share of the query heads",
            megatron = "--num-query-groups",
            min = 1,
            example = "4")
        int keyValueHeads,
    @Key(
            doc = "Width of one head; rotary embedding turns pairs, so it is even",
            megatron = "--kv-channels",
            derived = "hidden / attention-heads",
            min = 2,
            multipleOf = 2)
        int headDim,
    @Key(
            doc = "Width of the feed-forward network of dense layers",
            megatron = "--ffn-hidden-size",
            derived = "4 * hidden",
            min = 1)
        int denseFfn,
    @Key(
            doc = "Leading layers with a dense feed-forward network instead of experts",
            megatron = "--moe-layer-freq (as a list: that many zeros, then ones)",
            byDefault = "0",
            min = 0)
        int denseLayers,
    @Key(
            doc = "Tokens of one training sequence",
            megatron = "--seq-length",
            min = 1,
            max = 1 << 20,
            example = "2048",
            unit = "tokens")
        int sequenceLength,
    @Key(
            doc = "Added to the mean square in RMSNorm",
            megatron = "--norm-epsilon",
            byDefault = "1e-5",
            above = 0)
        double normEpsilon,
    @Key(
            doc = "Base of the rotary embedding's wavelengths",
            megatron = "--rotary-base",
            byDefault = "10000",
            above = 0)
        double ropeTheta,
    @Key(
            doc = "Whether the output head shares the embedding's weights",
            megatron = "--untie-embeddings-and-output-weights (inverse)",
            byDefault = "false")
        boolean tiedHead,
    @Key(
            doc = "Standard deviation of initial weights",
            megatron = "--init-method-std",
            byDefault = "0.02",
            above = 0)
        double initStd,
    @Key(
            doc = "Recompute layers in the backward pass instead of keeping their activations",
            megatron = "--recompute-granularity full",
            byDefault = "false",
            resume = Resume.FREE)
        boolean recompute,
    @Key(
            doc = "Whether layers have attention; `false` is the ablation without it",
            byDefault = "true")
        boolean attention) {

  /** Checks the limits of every key. */
  public Model {
    Limits.require(
        Model.class,
        layers,
        hidden,
        attentionHeads,
        keyValueHeads,
        headDim,
        denseFfn,
        denseLayers,
        sequenceLength,
        normEpsilon,
        ropeTheta,
        tiedHead,
        initStd,
        recompute,
        attention);
  }
}
