package io.antiphon.plan;

import java.util.Arrays;

/**
 * Checks what holds for every plan of the planners in this package (docs/echo.md 2.8), also if
 * device code computed it. It is for tests and debugging: it costs far more than a plan.
 */
public final class PlanInvariants {
  private final EchoPlan plan;
  private final PlanShape shape;
  private final int[] counts;

  private PlanInvariants(EchoPlan plan, int[] counts) {
    this.plan = plan;
    this.shape = plan.shape();
    this.counts = counts;
  }

  /**
   * Checks what holds for every planner.
   *
   * @param counts {@code [ranks, experts]}, read; what the plan was made from
   * @throws IllegalStateException naming the first invariant that does not hold
   */
  public static void require(EchoPlan plan, int[] counts) {
    plan.shape().requireCounts(counts);
    PlanInvariants invariants = new PlanInvariants(plan, counts);
    for (int slot = 0; slot < plan.shape().slots(); slot++) {
      invariants.requireSlot(slot);
      invariants.requirePlacement(slot);
      invariants.requireColumn(slot);
    }
    invariants.requireSources();
    invariants.requireMaximum();
  }

  /**
   * Checks that the used slots of every rank are its first ones, as they are unless a plan keeps
   * clones of an earlier one.
   *
   * @throws IllegalStateException naming the first slot for which it does not hold
   */
  public static void requirePrefix(EchoPlan plan) {
    for (int slot = 1; slot < plan.shape().slots(); slot++) {
      boolean gap =
          slot % plan.shape().slotsPerRank() > 0
              && plan.slotHome()[slot] != EchoPlan.UNUSED
              && plan.slotHome()[slot - 1] == EchoPlan.UNUSED;
      require(!gap, "slot %d is used after unused slot %d", slot, slot - 1);
    }
  }

  /**
   * Checks what {@link BinPackingPlanner} and {@link OneShotPlanner} promise beyond {@link
   * #require}: no rank rises above the average or above what it had, and none falls from above it
   * to below it.
   *
   * @throws IllegalStateException naming the first rank for which it does not hold
   */
  public static void requireMonotoneLoads(EchoPlan plan, int[] counts) {
    new PlanInvariants(plan, counts).requireLoads();
  }

  /** A used slot holds an expert and takes something; an unused one takes nothing. */
  private void requireSlot(int slot) {
    int home = plan.slotHome()[slot];
    int quota = plan.quota()[slot];
    if (home == EchoPlan.UNUSED) {
      require(quota == 0, "unused slot %d has quota %d", slot, quota);
    } else {
      require(home >= 0 && home < shape.experts(), "slot %d holds expert %d", slot, home);
      require(quota > 0, "slot %d holds expert %d with quota %d", slot, home, quota);
    }
  }

  /** Requires that no clone is at home and no expert twice on a rank. */
  private void requirePlacement(int slot) {
    int home = plan.slotHome()[slot];
    if (home == EchoPlan.UNUSED) {
      return;
    }
    int rank = shape.slotRank(slot);
    require(shape.homeRank(home) != rank, "slot %d holds expert %d on its home rank", slot, home);
    for (int other = rank * shape.slotsPerRank(); other < slot; other++) {
      int otherHome = plan.slotHome()[other];
      require(otherHome != home, "slots %d and %d hold the same expert on a rank", other, slot);
    }
  }

  /** The source ranks together send a slot exactly its quota. */
  private void requireColumn(int slot) {
    long sum = 0;
    for (int rank = 0; rank < shape.ranks(); rank++) {
      int sent = plan.toSlot()[rank * shape.slots() + slot];
      require(sent >= 0, "rank %d sends %d assignments to slot %d", rank, sent, slot);
      sum += sent;
    }
    require(
        sum == plan.quota()[slot],
        "slot %d gets %d assignments, its quota is %d",
        slot,
        sum,
        plan.quota()[slot]);
  }

  /** No source rank sends more of an expert than it has. */
  private void requireSources() {
    for (int rank = 0; rank < shape.ranks(); rank++) {
      long[] moved = new long[shape.experts()];
      for (int slot = 0; slot < shape.slots(); slot++) {
        int home = plan.slotHome()[slot];
        if (home != EchoPlan.UNUSED) {
          moved[home] += plan.toSlot()[rank * shape.slots() + slot];
        }
      }
      for (int expert = 0; expert < shape.experts(); expert++) {
        int count = counts[rank * shape.experts() + expert];
        require(
            moved[expert] <= count,
            "rank %d sends %d assignments of expert %d to slots, it has %d",
            rank,
            moved[expert],
            expert,
            count);
      }
    }
  }

  /** No rank gets more than the most loaded one had. */
  private void requireMaximum() {
    int[] loads = new int[shape.ranks()];
    RankLoads.before(shape, counts, loads);
    int before = Arrays.stream(loads).max().orElseThrow();
    RankLoads.after(plan, counts, loads);
    for (int rank = 0; rank < shape.ranks(); rank++) {
      require(
          loads[rank] <= before,
          "load of rank %d is %d, no rank had more than %d before",
          rank,
          loads[rank],
          before);
    }
  }

  private void requireLoads() {
    int[] before = new int[shape.ranks()];
    int[] after = new int[shape.ranks()];
    RankLoads.before(shape, counts, before);
    RankLoads.after(plan, counts, after);
    int average = shape.requireCounts(counts) / shape.ranks();
    for (int rank = 0; rank < shape.ranks(); rank++) {
      require(
          after[rank] <= Math.max(before[rank], average)
              && after[rank] >= Math.min(before[rank], average),
          "load of rank %d goes from %d to %d with average %d",
          rank,
          before[rank],
          after[rank],
          average);
    }
  }

  @SuppressWarnings("AnnotateFormatMethod") // the annotation is a library's; this package has none
  private static void require(boolean holds, String message, Object... values) {
    if (!holds) {
      throw new IllegalStateException(String.format(message, values));
    }
  }
}
