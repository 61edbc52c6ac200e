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
    @Key(doc = "How clones are chosen", byDefault = "balanced", resume = Resume.FREE)
        Planner planner,
    @Key(
            doc =
                "Load above the mean that `balanced` may leave on a rank: within it nothing moves",
            byDefault = "0.01",
            min = 0,
            max = 1,
            unit = "share of the mean",
            resume = Resume.FREE)
        double tolerance,
    @Key(
            doc =
                "Consecutive ranks that share a node: at equal balance `balanced` keeps clones and"
                    + " tokens there; 0: all of them",
            byDefault = "0",
            min = 0,
            unit = "ranks",
            resume = Resume.FREE)
        int ranksPerNode,
    @Key(
            doc = "Fewest assignments that `balanced` makes a clone for",
            byDefault = "1",
            min = 1,
            unit = "assignments",
            resume = Resume.FREE)
        int minQuota,
    @Key(
            doc =
                "The same for a clone on another node; 0: what pays for its transfer, see"
                    + " `docs/planner.md`, which is 10000, but at most a sixteenth of a rank's mean"
                    + " load",
            byDefault = "0",
            min = 0,
            unit = "assignments",
            resume = Resume.FREE)
        int minQuotaAcrossNodes,
    @Key(
            doc =
                "Whether clones stay in their slots over the micro-batches of a step, where that"
                    + " costs no balance: fewer weights are sent, for the memory of"
                    + " `slots-per-rank` more experts per MoE layer beyond two; `balanced` only",
            byDefault = "false",
            resume = Resume.FREE)
        boolean reuseClones) {

  /** Checks the limits of every key. */
  public Echo {
    Limits.require(
        Echo.class,
        enabled,
        slotsPerRank,
        planner,
        tolerance,
        ranksPerNode,
        minQuota,
        minQuotaAcrossNodes,
        reuseClones);
  }

  /** The algorithm that turns counts into clones. */
  public enum Planner {
    /** Smallest largest load, then fewest clones, then fewest crossings; any number of slots. */
    BALANCED,
    /** Largest spill first, into the rank with the most room; one slot per rank. */
    BIN_PACKING,
    /**
     * All spills and all room lined up once and matched where they overlap; any number of slots.
     */
    ONE_SHOT
  }
}
