package io.antiphon.plan;

import java.util.Arrays;

/** Assignments that every rank computes, with and without a plan. */
public final class RankLoads {
  private RankLoads() {}

  /**
   * Loads if every assignment stays at home.
   *
   * @param counts {@code [ranks, experts]}, read; one row per source rank
   * @param into {@code [ranks]}, written
   */
  public static void before(PlanShape shape, int[] counts, int[] into) {
    shape.requireCounts(counts);
    requireRanks(shape, into);
    Arrays.fill(into, 0);
    for (int i = 0; i < counts.length; i++) {
      into[shape.homeRank(i % shape.experts())] += counts[i];
    }
  }

  /**
   * Loads under {@code plan}.
   *
   * @param counts {@code [ranks, experts]}, read; what the plan was made for
   * @param into {@code [ranks]}, written
   */
  public static void after(EchoPlan plan, int[] counts, int[] into) {
    PlanShape shape = plan.shape();
    before(shape, counts, into);
    for (int slot = 0; slot < shape.slots(); slot++) {
      int home = plan.slotHome()[slot];
      if (home != EchoPlan.UNUSED) {
        into[shape.homeRank(home)] -= plan.quota()[slot];
        into[shape.slotRank(slot)] += plan.quota()[slot];
      }
    }
  }

  private static void requireRanks(PlanShape shape, int[] into) {
    if (into.length != shape.ranks()) {
      throw new IllegalArgumentException(
          "loads must have " + shape.ranks() + " entries, one per rank, had " + into.length);
    }
  }
}
