package io.antiphon.plan;

/**
 * Approximate bin packing for one slot per rank (docs/echo.md 2.3).
 *
 * <p>Each rank with spare room, roomiest first, takes from the expert with about the largest spill
 * left. "About", because spills wait in a few size classes instead of being sorted again whenever
 * one shrinks.
 */
public final class BinPackingPlanner implements Planner {
  private final PlanShape shape;
  private final Imbalance imbalance;
  private final QuotaSplit quotaSplit;
  private final SpillBuckets buckets;
  private final int[] left;

  /**
   * A planner for groups of this shape.
   *
   * @throws IllegalArgumentException if it has not exactly one slot per rank
   */
  public BinPackingPlanner(PlanShape shape) {
    if (shape.slotsPerRank() != 1) {
      throw new IllegalArgumentException(
          "the bin-packing planner needs slotsPerRank = 1, was "
              + shape.slotsPerRank()
              + "; one-shot takes any number");
    }
    this.shape = shape;
    this.imbalance = new Imbalance(shape);
    this.quotaSplit = new QuotaSplit(shape);
    this.buckets = new SpillBuckets(shape.experts());
    this.left = new int[shape.experts()];
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
    buckets.clear(imbalance.average());
    for (int position = 0; position < imbalance.spillingExperts(); position++) {
      int expert = imbalance.expertBySpill(position);
      left[expert] = imbalance.spill(expert);
      buckets.add(expert, left[expert]);
    }
    for (int column = 0; column < imbalance.sparingRanks(); column++) {
      int expert = buckets.poll();
      if (expert == SpillBuckets.NONE) {
        return;
      }
      int rank = imbalance.rankBySpare(column);
      int placed = Math.min(left[expert], imbalance.spare(rank));
      plan.place(rank, expert, placed); // with one slot per rank, the slot has the rank's number
      left[expert] -= placed;
      if (left[expert] > 0) {
        buckets.add(expert, left[expert]);
      }
    }
  }
}
