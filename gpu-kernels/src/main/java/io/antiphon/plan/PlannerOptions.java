package io.antiphon.plan;

/**
 * What a planner may be told besides the shape of its group; the ones that cannot use it ignore it.
 *
 * @param tolerance how far above the mean a rank may stay, as a share of the mean; at least 0
 * @param ranksPerNode consecutive ranks with fast links among them; at least 1
 * @param minimumQuota fewest assignments that are worth a clone; at least 1
 */
public record PlannerOptions(double tolerance, int ranksPerNode, int minimumQuota) {
  public PlannerOptions {
    if (!(tolerance >= 0 && tolerance < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("tolerance must be a number >= 0, was " + tolerance);
    }
    if (ranksPerNode < 1 || minimumQuota < 1) {
      throw new IllegalArgumentException(
          "ranksPerNode and minimumQuota must be >= 1, were "
              + ranksPerNode
              + " and "
              + minimumQuota);
    }
  }

  /** Exact balance, one node, any clone. */
  public static PlannerOptions exact(int ranksPerNode) {
    return new PlannerOptions(0, ranksPerNode, 1);
  }
}
