package io.antiphon.plan;

/** Leaves every assignment at home: for groups without slots, and for runs without ECHO. */
public final class NoClonesPlanner implements Planner {
  private final PlanShape shape;

  /** A planner for groups of this shape. */
  public NoClonesPlanner(PlanShape shape) {
    this.shape = shape;
  }

  @Override
  public PlanShape shape() {
    return shape;
  }

  @Override
  public void plan(int[] counts, EchoPlan into) {
    into.requireShape(shape);
    shape.requireCounts(counts);
    into.clear();
  }
}
