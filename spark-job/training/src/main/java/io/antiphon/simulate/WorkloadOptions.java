package io.antiphon.simulate;

/**
 * Sizes of a synthetic workload.
 *
 * @param ranks in {@code [1, 1024]}
 * @param experts a multiple of {@code ranks}, at most 2048
 * @param topK experts per token, all different; at most 64
 * @param tokens per rank and micro-batch
 * @param layers MoE layers; each has draws of its own
 * @param steps training steps, one micro-batch each
 * @param seed another seed gives other draws of the same kind
 * @param zipfExponent skew of {@code zipf} and {@code drift}
 * @param driftSteps steps after which {@code drift} has forgotten its order of experts
 * @param hotExperts size of the hot block of W1, W2, W6 and W7
 */
public record WorkloadOptions(
    int ranks,
    int experts,
    int topK,
    int tokens,
    int layers,
    int steps,
    long seed,
    double zipfExponent,
    int driftSteps,
    int hotExperts) {
  /** Most ranks of a simulated group. */
  public static final int MAX_RANKS = 1024;

  /** Most experts of a simulated layer. */
  public static final int MAX_EXPERTS = 2048;

  private static final int MAX_TOP_K = 64;
  private static final int MAX_TOKENS = 1 << 20;
  private static final int MAX_LAYERS = 1024;
  private static final int MAX_STEPS = 1_000_000;
  private static final double MAX_EXPONENT = 8;

  public WorkloadOptions {
    Limits.require("--ranks", ranks, 1, MAX_RANKS);
    Limits.require("--experts", experts, 1, MAX_EXPERTS);
    if (experts % ranks != 0) {
      throw Limits.bad(
          "--experts %d cannot be shared evenly by --ranks %d. Use a multiple of %d.",
          experts, ranks, ranks);
    }
    Limits.require("--top-k", topK, 1, Math.min(experts, MAX_TOP_K));
    Limits.require("--tokens", tokens, 1, MAX_TOKENS);
    Limits.require("--layers", layers, 1, MAX_LAYERS);
    Limits.require("--steps", steps, 1, MAX_STEPS);
    Limits.require("--drift-steps", driftSteps, 1, MAX_STEPS);
    Limits.require("--hot-experts", hotExperts, topK, experts);
    if (!(zipfExponent >= 0 && zipfExponent <= MAX_EXPONENT)) {
      throw Limits.bad(
          "--zipf-exponent must be a number in [0, 8], was %s. Typical routers lie below 1.5.",
          zipfExponent);
    }
    long assignments = 2L * ranks * tokens * topK; // ragged sources bring up to twice the tokens
    if (assignments > Integer.MAX_VALUE) {
      throw Limits.bad(
          "--ranks %d x --tokens %d x --top-k %d are too many assignments for one plan; the limit"
              + " is %d. Lower --tokens.",
          ranks, tokens, topK, Integer.MAX_VALUE / 2);
    }
  }

  /** Size of the hot block in the public benchmark. */
  public static int publicHotExperts(int experts, int topK) {
    return Math.max(topK, experts / 4);
  }
}
