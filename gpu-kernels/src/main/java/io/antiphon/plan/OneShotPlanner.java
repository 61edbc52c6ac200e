package io.antiphon.plan;

import java.util.Arrays;

/**
 * Interval overlap in one pass, for any number of slots per rank (docs/echo.md 2.2).
 *
 * <p>Spills, largest first, and spare rooms, largest first, are laid end to end on the same line;
 * where a spill overlaps a room, that piece may move there. A rank keeps its largest pieces, one
 * per slot; the others stay home.
 */
public final class OneShotPlanner implements Planner {
  private final PlanShape shape;
  private final Imbalance imbalance;
  private final QuotaSplit quotaSplit;
  private final long[] pieces;

  /**
   * A planner for groups of this shape.
   *
   * @throws IllegalArgumentException if it has no slots
   */
  public OneShotPlanner(PlanShape shape) {
    if (shape.slotsPerRank() < 1) {
      throw new IllegalArgumentException(
          "the one-shot planner needs slotsPerRank >= 1, was " + shape.slotsPerRank());
    }
    this.shape = shape;
    this.imbalance = new Imbalance(shape);
    this.quotaSplit = new QuotaSplit(shape);
    this.pieces = new long[shape.experts()];
  }

  @Override
  public PlanShape shape() {
    return shape;
  }

  @Override
  public void plan(int[] counts, EchoPlan into) {
    into.requireShape(shape);
    imbalance.measure(counts);
    into.clear();
    place(into);
    quotaSplit.split(counts, imbalance, into);
  }

  private void place(EchoPlan plan) {
    int position = 0; // in the order of spills
    int placed = 0; // of the spill at this position, kept or not
    for (int column = 0; column < imbalance.sparingRanks(); column++) {
      int rank = imbalance.rankBySpare(column);
      int room = imbalance.spare(rank);
      int found = 0;
      while (room > 0 && position < imbalance.spillingExperts()) {
        int left = imbalance.spill(imbalance.expertBySpill(position)) - placed;
        int size = Math.min(left, room);
        pieces[found++] = SortKey.descending(size, position);
        room -= size;
        placed += size;
        if (size == left) {
          position++;
          placed = 0;
        }
      }
      keepLargest(found, rank, plan);
    }
  }

  /** Gives the slots of a rank the largest of its pieces; ties go to the first in spill order. */
  private void keepLargest(int found, int rank, EchoPlan plan) {
    Arrays.sort(pieces, 0, found);
    int firstSlot = rank * shape.slotsPerRank();
    for (int i = 0; i < Math.min(found, shape.slotsPerRank()); i++) {
      int expert = imbalance.expertBySpill(SortKey.index(pieces[i]));
      plan.place(firstSlot + i, expert, SortKey.descendingValue(pieces[i]));
    }
  }
}
