package io.antiphon.plan;

/**
 * Sends the assignments of one source rank to physical experts, as a plan says (docs/echo.md 2.7).
 *
 * <p>Of one expert's tokens in ascending order, the first go to its first slot, the next to its
 * second, and so on; the highest stay home. One pass with a running position per expert does that
 * without a sort. Keeps working memory: belongs to one thread.
 */
public final class Reroute {
  private final PlanShape shape;
  private final SlotsOfExpert slotsOfExpert;
  private final int[] slot;
  private final int[] leftInSlot;

  /** A router of assignments in groups of this shape. */
  public Reroute(PlanShape shape) {
    this.shape = shape;
    this.slotsOfExpert = new SlotsOfExpert(shape);
    this.slot = new int[shape.experts()];
    this.leftInSlot = new int[shape.experts()];
  }

  /**
   * Writes the physical expert of every assignment.
   *
   * @param rank source rank whose assignments these are
   * @param plan made from counts that include these assignments
   * @param topExperts {@code [tokens, topK]}, read; home experts, all different within a token
   * @param physicalExperts {@code [tokens, topK]}, written; in {@code [0, physicalExperts)}
   * @throws IllegalArgumentException if an expert is out of range, or the plan takes more of an
   *     expert from this rank than there is; {@code physicalExperts} is then undefined
   */
  public void route(int rank, EchoPlan plan, int[] topExperts, int[] physicalExperts) {
    plan.requireShape(shape);
    if (physicalExperts.length != topExperts.length) {
      throw new IllegalArgumentException(
          "physicalExperts must have "
              + topExperts.length
              + " entries, had "
              + physicalExperts.length);
    }
    start(rank, plan);
    for (int assignment = 0; assignment < topExperts.length; assignment++) {
      int expert = topExperts[assignment];
      if (expert < 0 || expert >= shape.experts()) {
        throw new IllegalArgumentException(
            "assignment "
                + assignment
                + " names expert "
                + expert
                + "; experts are in [0, "
                + shape.experts()
                + ")");
      }
      if (slot[expert] == SlotsOfExpert.NONE) {
        physicalExperts[assignment] = shape.physicalHome(expert);
      } else {
        physicalExperts[assignment] = shape.physicalSlot(slot[expert]);
        leftInSlot[expert]--;
        skipFullSlots(rank, plan, expert);
      }
    }
    requireQuotasMet(rank);
  }

  private void start(int rank, EchoPlan plan) {
    slotsOfExpert.link(plan);
    for (int expert = 0; expert < shape.experts(); expert++) {
      slot[expert] = slotsOfExpert.first(expert);
      if (slot[expert] != SlotsOfExpert.NONE) {
        leftInSlot[expert] = plan.toSlot()[rank * shape.slots() + slot[expert]];
        skipFullSlots(rank, plan, expert);
      }
    }
  }

  /** Moves on to the next slot of an expert that still takes assignments of this rank. */
  private void skipFullSlots(int rank, EchoPlan plan, int expert) {
    while (leftInSlot[expert] == 0) {
      slot[expert] = slotsOfExpert.next(slot[expert]);
      if (slot[expert] == SlotsOfExpert.NONE) {
        return;
      }
      leftInSlot[expert] = plan.toSlot()[rank * shape.slots() + slot[expert]];
    }
  }

  private void requireQuotasMet(int rank) {
    for (int expert = 0; expert < shape.experts(); expert++) {
      if (slot[expert] != SlotsOfExpert.NONE) {
        throw new IllegalArgumentException(
            "the plan takes "
                + leftInSlot[expert]
                + " more assignments of expert "
                + expert
                + " from rank "
                + rank
                + " to slot "
                + slot[expert]
                + " than the rank has; it was made from other counts");
      }
    }
  }
}
