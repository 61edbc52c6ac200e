package io.antiphon.kernel;

/** Sizes that the planner kernels keep in registers and shared memory. */
record PlanLimits(int ranks, int experts, int slotsPerRank) {
  static final int MOST_RANKS = 128;
  static final int MOST_EXPERTS = 1024;
  static final int MOST_SLOTS_PER_RANK = 8;

  PlanLimits {
    require("ranks", ranks, MOST_RANKS);
    require("experts", experts, MOST_EXPERTS);
    require("slots per rank", slotsPerRank, MOST_SLOTS_PER_RANK);
  }

  int slots() {
    return ranks * slotsPerRank;
  }

  private static void require(String what, int value, int limit) {
    if (value > limit) {
      throw new IllegalArgumentException(
          "planning on a GPU takes at most " + limit + " " + what + ", was " + value);
    }
  }
}
