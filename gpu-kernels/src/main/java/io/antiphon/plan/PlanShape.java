package io.antiphon.plan;

/**
 * Sizes of one expert-parallel group, and the numbering of its physical experts.
 *
 * <p>Physical experts are rank-major: the home experts of rank 0, its slots, the home experts of
 * rank 1, and so on. Everything a planner indexes by a product of these sizes fits an {@code int}.
 *
 * @param ranks ranks of the group; at least 1
 * @param experts home experts of the group; a positive multiple of {@code ranks}
 * @param slotsPerRank echo slots of each rank, in {@code [0, experts]}
 */
public record PlanShape(int ranks, int experts, int slotsPerRank) {
  public PlanShape {
    if (ranks < 1) {
      throw new IllegalArgumentException("ranks must be >= 1, was " + ranks);
    }
    if (experts < 1 || experts % ranks != 0) {
      throw new IllegalArgumentException(
          "experts must be a positive multiple of the " + ranks + " ranks, was " + experts);
    }
    if (slotsPerRank < 0 || slotsPerRank > experts) {
      throw new IllegalArgumentException(
          "slotsPerRank must be in [0, " + experts + "] (the experts), was " + slotsPerRank);
    }
    // Two steps, because ranks * ranks * slotsPerRank may exceed even a long.
    long physicalExperts = experts + (long) ranks * slotsPerRank;
    if (physicalExperts > Integer.MAX_VALUE || ranks * physicalExperts > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a send matrix of "
              + ranks
              + " ranks x "
              + physicalExperts
              + " physical experts exceeds "
              + Integer.MAX_VALUE
              + " entries");
    }
  }

  /** Home experts of each rank. */
  public int localExperts() {
    return experts / ranks;
  }

  /** Echo slots of the group. */
  public int slots() {
    return ranks * slotsPerRank;
  }

  /** Physical experts of each rank: its home experts, then its slots. */
  public int localPhysicalExperts() {
    return localExperts() + slotsPerRank;
  }

  /** Physical experts of the group. */
  public int physicalExperts() {
    return experts + slots();
  }

  /** The rank that owns {@code homeExpert}. */
  public int homeRank(int homeExpert) {
    return homeExpert / localExperts();
  }

  /** The rank that {@code slot} is on. */
  public int slotRank(int slot) {
    return slot / slotsPerRank;
  }

  /** Physical expert under which {@code homeExpert} runs at home. */
  public int physicalHome(int homeExpert) {
    int localExperts = localExperts();
    return homeExpert / localExperts * localPhysicalExperts() + homeExpert % localExperts;
  }

  /** Physical expert under which {@code slot} runs. */
  public int physicalSlot(int slot) {
    return slot / slotsPerRank * localPhysicalExperts() + localExperts() + slot % slotsPerRank;
  }

  /**
   * Checks assignment counts, {@code [ranks, experts]} with one row per source rank.
   *
   * @return their sum
   */
  int requireCounts(int[] counts) {
    if (counts.length != ranks * experts) {
      throw new IllegalArgumentException(
          "counts must have " + ranks + " x " + experts + " entries, had " + counts.length);
    }
    long total = 0;
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] < 0) {
        throw new IllegalArgumentException(
            "count of rank "
                + i / experts
                + ", expert "
                + i % experts
                + " is "
                + counts[i]
                + "; counts must be >= 0");
      }
      total += counts[i];
    }
    if (total > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "counts sum to "
              + total
              + " assignments; one plan covers at most "
              + Integer.MAX_VALUE
              + ". Lower the tokens per micro-batch.");
    }
    return (int) total;
  }
}
