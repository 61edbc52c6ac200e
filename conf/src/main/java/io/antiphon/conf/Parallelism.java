package io.antiphon.conf;

/**
 * How many ranks there are and how they form groups.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code parallelism}.
 */
public record Parallelism(
    @Key(
            doc = "Ranks of the run; each is one task of the barrier stage",
            megatron = "--nproc-per-node of torchrun, times the nodes",
            min = 1,
            example = "8",
            resume = Resume.FREE)
        int ranks,
    @Key(
            doc = "Consecutive ranks that share one set of experts",
            megatron = "--expert-model-parallel-size",
            derived = "ranks",
            min = 1,
            resume = Resume.FREE)
        int expertParallel) {

  /** Checks the limits of every key. */
  public Parallelism {
    Limits.require(Parallelism.class, ranks, expertParallel);
  }

  /** Expert-parallel groups of the run; each holds all experts and sees its share of a batch. */
  public int groups() {
    return ranks / expertParallel;
  }
}
