package io.antiphon.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which slot holds which expert, and how many assignments each source rank sends to it.
 *
 * <p>The arrays are flat, as tensors are, and belong to the plan. Every holder of the plan may read
 * them; only the planner that fills the plan writes them. One plan serves many micro-batches.
 */
public final class EchoPlan {
  /** What {@link #slotHome} says of a slot without a clone. */
  public static final int UNUSED = -1;

  private final PlanShape shape;
  private final int[] slotHome;
  private final int[] quota;
  private final int[] toSlot;

  /** A plan without clones. */
  public EchoPlan(PlanShape shape) {
    this(
        shape,
        new int[shape.slots()],
        new int[shape.slots()],
        new int[shape.ranks() * shape.slots()]);
    clear();
  }

  private EchoPlan(PlanShape shape, int[] slotHome, int[] quota, int[] toSlot) {
    this.shape = shape;
    this.slotHome = slotHome;
    this.quota = quota;
    this.toSlot = toSlot;
  }

  /**
   * A plan over arrays that exist already, a device's answer for example; it takes them over.
   *
   * @param slotHome {@code [slots]}, see {@link #slotHome()}
   * @param quota {@code [slots]}, see {@link #quota()}
   * @param toSlot {@code [ranks, slots]}, see {@link #toSlot()}
   * @throws IllegalArgumentException if an array has another length
   */
  public static EchoPlan of(PlanShape shape, int[] slotHome, int[] quota, int[] toSlot) {
    requireLength("slotHome", slotHome, shape.slots());
    requireLength("quota", quota, shape.slots());
    requireLength("toSlot", toSlot, shape.ranks() * shape.slots());
    return new EchoPlan(shape, slotHome, quota, toSlot);
  }

  /** Sizes of the group this plan is for. */
  public PlanShape shape() {
    return shape;
  }

  /** {@code [slots]}: home expert held by each slot, or {@link #UNUSED}; the plan's own array. */
  public int[] slotHome() {
    return slotHome;
  }

  /** {@code [slots]}: assignments each slot takes over, 0 if unused; the plan's own array. */
  public int[] quota() {
    return quota;
  }

  /**
   * {@code [ranks, slots]}: assignments each source rank sends to each slot, at {@code rank * slots
   * + slot}; the plan's own array.
   */
  public int[] toSlot() {
    return toSlot;
  }

  /** Slots in use. */
  public int cloneCount() {
    int clones = 0;
    for (int home : slotHome) {
      if (home != UNUSED) {
        clones++;
      }
    }
    return clones;
  }

  /** The clones, by slot. */
  public List<EchoClone> clones() {
    List<EchoClone> clones = new ArrayList<>();
    for (int slot = 0; slot < slotHome.length; slot++) {
      if (slotHome[slot] != UNUSED) {
        clones.add(new EchoClone(slotHome[slot], slot, quota[slot]));
      }
    }
    return clones;
  }

  /** Removes every clone. */
  public void clear() {
    Arrays.fill(slotHome, UNUSED);
    Arrays.fill(quota, 0);
    Arrays.fill(toSlot, 0);
  }

  /**
   * Lets {@code slot} take over {@code assignments} of {@code homeExpert}, from ranks to be split.
   */
  void place(int slot, int homeExpert, int assignments) {
    slotHome[slot] = homeExpert;
    quota[slot] = assignments;
  }

  /** Takes {@code assignments} off the quota of a slot, which becomes unused if none are left. */
  void shrink(int slot, int assignments) {
    quota[slot] -= assignments;
    if (quota[slot] == 0) {
      slotHome[slot] = UNUSED;
    }
  }

  /** Moves the clones of every rank to its first slots, in their order. */
  void compact() {
    for (int rank = 0; rank < shape.ranks(); rank++) {
      int to = rank * shape.slotsPerRank();
      for (int slot = to; slot < (rank + 1) * shape.slotsPerRank(); slot++) {
        if (slotHome[slot] != UNUSED) {
          if (slot != to) {
            move(slot, to);
          }
          to++;
        }
      }
    }
  }

  private void move(int from, int to) {
    slotHome[to] = slotHome[from];
    quota[to] = quota[from];
    slotHome[from] = UNUSED;
    quota[from] = 0;
    for (int row = 0; row < toSlot.length; row += shape.slots()) {
      toSlot[row + to] = toSlot[row + from];
      toSlot[row + from] = 0;
    }
  }

  void requireShape(PlanShape expected) {
    if (!shape.equals(expected)) {
      throw new IllegalArgumentException("plan is for " + shape + ", expected " + expected);
    }
  }

  private static void requireLength(String name, int[] array, int length) {
    if (array.length != length) {
      throw new IllegalArgumentException(
          name + " must have " + length + " entries, had " + array.length);
    }
  }
}
