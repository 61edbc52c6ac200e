package io.antiphon.plan;

/**
 * What {@link BalancedPlanner} aims at, and what it must respect. Integers only, so that every
 * device plans alike.
 *
 * @param toleranceMillionths band above the mean rank load within which nothing has to move, in
 *     millionths of the mean; in {@code [0, 1_000_000]}
 * @param ranksPerNode consecutive ranks that share a node; {@code ranks} of the group or more if
 *     all do; at least 1
 * @param minQuota fewest assignments that pay for a clone within a node; at least 1
 * @param minQuotaAcrossNodes the same for a clone whose weights cross nodes; at least {@code
 *     minQuota}
 * @param pairCapacity rows that one rank can send to one other, for transports with fixed slabs
 */
public record BalanceOptions(
    int toleranceMillionths,
    int ranksPerNode,
    int minQuota,
    int minQuotaAcrossNodes,
    int pairCapacity) {
  /** A tolerance of 1. */
  public static final int MILLION = 1_000_000;

  /** Stands for all ranks in one node, or for any number of rows per pair. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  /** The best balance there is, on one node: no band, clones of any size. */
  public static final BalanceOptions EXACT = new BalanceOptions(0, UNLIMITED, 1, 1, UNLIMITED);

  public BalanceOptions {
    if (toleranceMillionths < 0 || toleranceMillionths > MILLION) {
      throw new IllegalArgumentException(
          "toleranceMillionths must be in [0, " + MILLION + "], was " + toleranceMillionths);
    }
    requirePositive("ranksPerNode", ranksPerNode);
    requirePositive("minQuota", minQuota);
    requirePositive("pairCapacity", pairCapacity);
    if (minQuotaAcrossNodes < minQuota) {
      throw new IllegalArgumentException(
          "minQuotaAcrossNodes must be at least minQuota, "
              + minQuota
              + ", was "
              + minQuotaAcrossNodes);
    }
  }

  /** These options with another band. */
  public BalanceOptions withTolerance(int millionths) {
    return new BalanceOptions(
        millionths, ranksPerNode, minQuota, minQuotaAcrossNodes, pairCapacity);
  }

  /** These options for nodes of {@code ranks} ranks. */
  public BalanceOptions withRanksPerNode(int ranks) {
    return new BalanceOptions(
        toleranceMillionths, ranks, minQuota, minQuotaAcrossNodes, pairCapacity);
  }

  /** These options with other least quotas. */
  public BalanceOptions withMinQuota(int withinNode, int acrossNodes) {
    return new BalanceOptions(
        toleranceMillionths, ranksPerNode, withinNode, acrossNodes, pairCapacity);
  }

  /** These options with at most so many rows from one rank to one other. */
  public BalanceOptions withPairCapacity(int rows) {
    return new BalanceOptions(
        toleranceMillionths, ranksPerNode, minQuota, minQuotaAcrossNodes, rows);
  }

  /** Fewest assignments that pay for a clone, by whether its weights stay within a node. */
  int minQuota(boolean sameNode) {
    return sameNode ? minQuota : minQuotaAcrossNodes;
  }

  /** Whether the rows of a pair of ranks are limited. */
  boolean hasPairCapacity() {
    return pairCapacity < UNLIMITED;
  }

  /** The node of a rank. */
  int node(int rank) {
    return rank / ranksPerNode;
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, was " + value);
    }
  }
}
