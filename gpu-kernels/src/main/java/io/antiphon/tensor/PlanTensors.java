package io.antiphon.tensor;

/**
 * A plan in device memory: which expert each slot holds and how many assignments it takes.
 *
 * @param slotHome I32 {@code [slots]}: home expert held by the slot, -1 if unused
 * @param quota I32 {@code [slots]}: assignments the slot takes over
 * @param toSlot I32 {@code [ranks, slots]}: how many of them come from each source rank
 */
public record PlanTensors(Tensor slotHome, Tensor quota, Tensor toSlot) {
  /** Echo slots in the expert-parallel group. */
  public int slots() {
    return slotHome.extent(0);
  }
}
