package io.antiphon.simulate;

import io.antiphon.plan.PlannerKind;
import java.util.Optional;

/**
 * Who takes part in a comparison.
 *
 * @param name planner, {@code eplb} or {@code perfect}
 * @param slotsPerRank spare slots of each rank
 * @param planner the ECHO planner, empty for the others
 */
public record Contender(String name, int slotsPerRank, Optional<PlannerKind> planner) {
  /** Name of periodic replication from past loads. */
  public static final String EPLB = "eplb";

  /** Name of forced balance. */
  public static final String PERFECT = "perfect";

  /** Name with the slots, unique within a comparison. */
  public String label() {
    return slotsPerRank == 0 ? name : name + " K=" + slotsPerRank;
  }

  /** Whether it plans in every layer of every step. */
  boolean plansEachStep() {
    return planner.isPresent() && slotsPerRank > 0;
  }

  /** Whether it is an ECHO planner with slots, which a user can choose. */
  boolean isEcho() {
    return plansEachStep();
  }
}
