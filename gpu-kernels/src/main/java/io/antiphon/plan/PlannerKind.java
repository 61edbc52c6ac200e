package io.antiphon.plan;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/** The planners by name: the one place that lists them, from the weakest to the best. */
public enum PlannerKind {
  /** Everything stays at home. */
  NONE("none", 0, 0, (shape, options) -> new NoClonesPlanner(shape)),
  /** See {@link BinPackingPlanner}. */
  BIN_PACKING("bin-packing", 1, 1, (shape, options) -> new BinPackingPlanner(shape)),
  /** See {@link OneShotPlanner}. */
  ONE_SHOT("one-shot", 1, Integer.MAX_VALUE, (shape, options) -> new OneShotPlanner(shape)),
  /** See {@link BalancedPlanner}. */
  BALANCED("balanced", 1, Integer.MAX_VALUE, BalancedPlanner::new);

  private final String label;
  private final int fewestSlotsPerRank;
  private final int mostSlotsPerRank;

  @SuppressWarnings("ImmutableEnumChecker") // the constructors above keep no state
  private final BiFunction<PlanShape, BalanceOptions, Planner> factory;

  PlannerKind(
      String label,
      int fewestSlotsPerRank,
      int mostSlotsPerRank,
      BiFunction<PlanShape, BalanceOptions, Planner> factory) {
    this.label = label;
    this.fewestSlotsPerRank = fewestSlotsPerRank;
    this.mostSlotsPerRank = mostSlotsPerRank;
    this.factory = factory;
  }

  /** Name on the command line. */
  public String label() {
    return label;
  }

  /** Whether it plans for groups with so many slots per rank. */
  public boolean accepts(int slotsPerRank) {
    return slotsPerRank >= fewestSlotsPerRank && slotsPerRank <= mostSlotsPerRank;
  }

  /**
   * A planner for groups of this shape.
   *
   * @param options what {@link #BALANCED} aims at; the others ignore them
   * @throws IllegalArgumentException if it does not {@linkplain #accepts accept} their slots
   */
  public Planner create(PlanShape shape, BalanceOptions options) {
    if (!accepts(shape.slotsPerRank())) {
      throw new IllegalArgumentException(
          "planner " + label + " does not plan for slotsPerRank = " + shape.slotsPerRank());
    }
    return factory.apply(shape, options);
  }

  /** The planner of this name. */
  public static Optional<PlannerKind> named(String label) {
    return Arrays.stream(values()).filter(kind -> kind.label.equals(label)).findFirst();
  }

  /** All names. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(PlannerKind::label).toList();
  }
}
