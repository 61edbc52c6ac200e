package io.antiphon.plan;

/**
 * Splits every slot's quota over the source ranks (docs/echo.md 2.6): first in proportion to what
 * each rank has of the expert, rounded down, then the rest from the lowest ranks that still have
 * some.
 *
 * <p>Fixed: slots and quotas of the plan. Result: {@code toSlot}, whose columns sum to the quotas.
 */
final class QuotaSplit {
  private final PlanShape shape;
  private final SlotsOfExpert slotsOfExpert;
  private final int[] restOfQuota;

  QuotaSplit(PlanShape shape) {
    this.shape = shape;
    this.slotsOfExpert = new SlotsOfExpert(shape);
    this.restOfQuota = new int[shape.slots()];
  }

  /**
   * Writes {@code toSlot} of every used slot.
   *
   * @param counts {@code [ranks, experts]}, read
   * @param imbalance measured from these counts
   * @param plan clones placed, with quotas that sum to at most the load of each expert
   */
  void split(int[] counts, Imbalance imbalance, EchoPlan plan) {
    slotsOfExpert.link(plan);
    for (int slot = 0; slot < shape.slots(); slot++) {
      int home = plan.slotHome()[slot];
      if (home != EchoPlan.UNUSED) {
        splitInProportion(counts, home, imbalance.load(home), slot, plan);
      }
    }
    for (int expert = 0; expert < shape.experts(); expert++) {
      if (slotsOfExpert.first(expert) != SlotsOfExpert.NONE) {
        splitRest(counts, expert, plan);
      }
    }
  }

  private void splitInProportion(int[] counts, int home, int load, int slot, EchoPlan plan) {
    long quota = plan.quota()[slot];
    int taken = 0;
    for (int rank = 0; rank < shape.ranks(); rank++) {
      // The product needs 64 bits. Integers, because rounded division moves tokens between ranks.
      int share = (int) (counts[rank * shape.experts() + home] * quota / load);
      plan.toSlot()[rank * shape.slots() + slot] = share;
      taken += share;
    }
    restOfQuota[slot] = plan.quota()[slot] - taken;
  }

  private void splitRest(int[] counts, int expert, EchoPlan plan) {
    int[] toSlot = plan.toSlot();
    int slot = slotsOfExpert.first(expert);
    for (int rank = 0; rank < shape.ranks(); rank++) {
      int available = available(counts, rank, expert, toSlot);
      while (slot != SlotsOfExpert.NONE) {
        int taken = Math.min(available, restOfQuota[slot]);
        toSlot[rank * shape.slots() + slot] += taken;
        available -= taken;
        restOfQuota[slot] -= taken;
        if (restOfQuota[slot] > 0) {
          break;
        }
        slot = slotsOfExpert.next(slot);
      }
    }
  }

  /** What a rank has of an expert beyond what its slots take so far. */
  private int available(int[] counts, int rank, int expert, int[] toSlot) {
    int available = counts[rank * shape.experts() + expert];
    for (int slot = slotsOfExpert.first(expert);
        slot != SlotsOfExpert.NONE;
        slot = slotsOfExpert.next(slot)) {
      available -= toSlot[rank * shape.slots() + slot];
    }
    return available;
  }
}
