package io.antiphon.tensor;

/**
 * Which planner decides on clones, and what it aims at.
 *
 * @param toleranceMillionths band above the mean rank load within which nothing moves, in
 *     millionths of the mean
 * @param ranksPerNode consecutive ranks that share a node
 * @param minQuota fewest assignments that pay for a clone within a node
 * @param minQuotaAcrossNodes the same for a clone on another node
 */
public record PlanAlgorithm(
    Kind kind, int toleranceMillionths, int ranksPerNode, int minQuota, int minQuotaAcrossNodes) {
  /** No clones; also for groups without slots. */
  public static final PlanAlgorithm NONE = of(Kind.NONE);

  /** Approximate bin packing, one slot per rank. */
  public static final PlanAlgorithm BIN_PACKING = of(Kind.BIN_PACKING);

  /** One-shot greedy interval overlap, any number of slots. */
  public static final PlanAlgorithm ONE_SHOT = of(Kind.ONE_SHOT);

  /** The best balance on one node, any number of slots. */
  public static final PlanAlgorithm BALANCED = of(Kind.BALANCED);

  /** The planners. */
  public enum Kind {
    /** Leaves everything at home. */
    NONE,
    /** See {@link PlanAlgorithm#BIN_PACKING}. */
    BIN_PACKING,
    /** See {@link PlanAlgorithm#ONE_SHOT}. */
    ONE_SHOT,
    /** Minimises the largest load, then clones, then crossings; the only one that has options. */
    BALANCED
  }

  private static PlanAlgorithm of(Kind kind) {
    return new PlanAlgorithm(kind, 0, Integer.MAX_VALUE, 1, 1);
  }
}
