package io.antiphon.model;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;

/**
 * Clones of hot experts in echo slots.
 *
 * @param slotsPerRank echo slots on each rank; 0 without ECHO
 * @param planner decides what the slots hold
 * @param balance what the balanced planner aims at
 * @param reuseClones prefers, from the second micro-batch of a step on, clones whose weights a slot
 *     holds already, and does not send these again; needs the balanced planner, and memory for the
 *     slots of every layer instead of two
 */
public record EchoOptions(
    int slotsPerRank, PlannerKind planner, BalanceOptions balance, boolean reuseClones) {
  /** Options without slots and clones. */
  public static final EchoOptions NONE =
      new EchoOptions(0, PlannerKind.NONE, BalanceOptions.EXACT, false);

  /** Checks that the planner can reuse clones if it shall. */
  public EchoOptions {
    if (reuseClones && planner != PlannerKind.BALANCED) {
      throw new IllegalArgumentException("planner " + planner.label() + " cannot reuse clones");
    }
  }
}
