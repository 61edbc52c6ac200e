package io.antiphon.conf;

/**
 * Elastic cloning of hot experts.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code moe.echo}.
 */
public record Echo(
    @Key(
            doc = "Whether hot experts are cloned at all",
            megatron = "--moe-enable-echo",
            byDefault = "true",
            resume = Resume.FREE)
        boolean enabled,
    @Key(
            doc = "Experts a rank can hold besides its own, for one layer and micro-batch",
            megatron = "--moe-num-echo-experts (over the expert-parallel group)",
            byDefault = "1",
            min = 1,
            resume = Resume.FREE)
        int slotsPerRank,
    @Key(doc = "How clones are chosen", byDefault = "bin-packing", resume = Resume.FREE)
        Planner planner) {

  /** Checks the limits of every key. */
  public Echo {
    Limits.require(Echo.class, enabled, slotsPerRank, planner);
  }

  /** The algorithm that turns counts into clones. */
  public enum Planner {
    /** Largest spill first, into the rank with the most room; one slot per rank. */
    BIN_PACKING,
    /**
     * All spills and all room lined up once and matched where they overlap; any number of slots.
     */
    ONE_SHOT
  }
}
