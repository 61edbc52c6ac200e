package io.antiphon.conf;

/**
 * The experts and their router.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code moe}.
 */
public record Moe(
    @Key(
            doc =
                "Experts per layer; 0 makes every layer dense (the ablation without experts) and"
                    + " leaves the rest of this group without effect",
            megatron = "--num-experts",
            min = 0,
            example = "64")
        int experts,
    @Key(
            doc = "Experts each token is sent to",
            megatron = "--moe-router-topk",
            min = 1,
            example = "8")
        int topK,
    @Key(
            doc = "Width of one expert's feed-forward network",
            megatron = "--moe-ffn-hidden-size",
            min = 1,
            example = "768")
        int expertFfn,
    @Key(
            doc = "Width of the expert every token visits; 0: there is none",
            megatron = "--moe-shared-expert-intermediate-size",
            byDefault = "0",
            min = 0)
        int sharedExpertFfn,
    @Key(
            doc = "Whether scores are normalised over all experts, or over the chosen ones",
            megatron = "--moe-router-pre-softmax (softmax-then-top-k)",
            byDefault = "softmax-then-top-k")
        ScoreOrder scoreOrder,
    @Key(
            doc = "Weight of the load-balancing loss",
            megatron = "--moe-aux-loss-coeff",
            byDefault = "0.01",
            min = 0)
        double auxLoss,
    @Key(
            doc = "Weight of the loss that keeps the router's logits small",
            megatron = "--moe-z-loss-coeff",
            byDefault = "0.0",
            min = 0)
        double zLoss,
    @Key(
            doc = "Step of the per-expert selection bias after each update; 0: no bias",
            megatron = {"--moe-router-bias-update-rate", "--moe-router-enable-expert-bias"},
            byDefault = "0.0",
            min = 0)
        double expertBiasRate,
    @Key(
            doc =
                "Rows a rank's buffers hold at first; a step that needs more raises it and reruns,"
                    + " no token is dropped",
            megatron = "--moe-received-token-capacity",
            byDefault = "1.25",
            min = 1,
            unit = "multiples of the mean, tokens * top-k",
            resume = Resume.FREE)
        double tokenCapacity,
    @Key(
            doc =
                "For demonstrations: standard deviation of a fixed, seeded offset on the router's"
                    + " logits, for selection only; it makes some experts hot",
            byDefault = "0.0",
            min = 0)
        double routerSkew,
    @Key(doc = "ECHO: cloning hot experts into spare slots of underloaded ranks") Echo echo) {

  /** Checks the limits of every key. */
  public Moe {
    Limits.require(
        Moe.class,
        experts,
        topK,
        expertFfn,
        sharedExpertFfn,
        scoreOrder,
        auxLoss,
        zLoss,
        expertBiasRate,
        tokenCapacity,
        routerSkew,
        echo);
  }

  /** What the router normalises, and when. */
  public enum ScoreOrder {
    /** Softmax over all experts, then the largest: weights of a token need not sum to one. */
    SOFTMAX_THEN_TOP_K,
    /** The largest logits, then softmax over those: weights of a token sum to one. */
    TOP_K_THEN_SOFTMAX
  }
}
