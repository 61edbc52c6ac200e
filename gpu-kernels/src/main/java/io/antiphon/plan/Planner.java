package io.antiphon.plan;

/**
 * Decides which experts to clone where, from the assignment counts of one layer and micro-batch.
 *
 * <p>A pure function of the counts: every rank of the group computes the same plan, bit for bit.
 * Ties go to the lowest index everywhere. A planner keeps its working memory, so it allocates
 * nothing per plan and belongs to one thread.
 */
public sealed interface Planner
    permits BalancedPlanner, BinPackingPlanner, OneShotPlanner, NoClonesPlanner {
  /** Sizes of the group this planner is for. */
  PlanShape shape();

  /**
   * Overwrites {@code into} with the plan for {@code counts}.
   *
   * @param counts {@code [ranks, experts]}, read; assignments of each source rank (row) to each
   *     home expert
   * @param into written
   * @throws IllegalArgumentException if sizes differ, a count is negative, or the counts sum to
   *     more than {@code 2^31 - 1}; nothing was written
   */
  void plan(int[] counts, EchoPlan into);
}
