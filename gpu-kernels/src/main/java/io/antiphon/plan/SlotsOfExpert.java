package io.antiphon.plan;

import java.util.Arrays;

/** The slots that hold each expert, in ascending order, as chains through two fixed arrays. */
final class SlotsOfExpert {
  /** End of a chain. */
  static final int NONE = -1;

  private final int[] first;
  private final int[] next;

  SlotsOfExpert(PlanShape shape) {
    this.first = new int[shape.experts()];
    this.next = new int[shape.slots()];
  }

  /** Reads {@code slotHome} of a plan. */
  void link(EchoPlan plan) {
    Arrays.fill(first, NONE);
    int[] slotHome = plan.slotHome();
    for (int slot = slotHome.length - 1; slot >= 0; slot--) {
      int home = slotHome[slot];
      if (home != EchoPlan.UNUSED) {
        next[slot] = first[home];
        first[home] = slot;
      }
    }
  }

  /** Lowest slot of an expert, or {@link #NONE}. */
  int first(int expert) {
    return first[expert];
  }

  /** The slot of the same expert after {@code slot}, or {@link #NONE}. */
  int next(int slot) {
    return next[slot];
  }
}
