package io.antiphon.simulate;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * The published algorithm of EPLB (deepseek-ai/EPLB), its global policy: replicas go one by one to
 * the expert with the largest load per replica; then all replicas, heaviest first, go to the rank
 * with the least load that still has room. Ties go to the lowest index.
 *
 * <p>Keeps the loads of past steps of one layer: it plans from them, never from the present ones.
 */
final class Eplb {

  /** Where the experts are. */
  static final class Placement {
    /** The placement of contenders that need none. */
    static final Placement NONE = new Placement(new int[0], new int[0]);

    private final int[] expertOf;
    private final int[] before;

    private Placement(int[] expertOf, int[] before) {
      this.expertOf = expertOf;
      this.before = before;
    }

    /**
     * {@code [ranks, localPhysicalExperts]}: the expert at each place, or {@link #EMPTY}; read
     * only.
     */
    int[] expertOf() {
      return expertOf;
    }

    /** The placement in force until now; read only. */
    int[] before() {
      return before;
    }

    /** Whether this placement was made just now, so that its weights have to move. */
    boolean fresh() {
      return expertOf != before;
    }
  }

  static final int EMPTY = -1;

  private final int ranks;
  private final int experts;
  private final int localPhysicalExperts;
  private final int period;
  private final int history;
  private final Deque<long[]> past = new ArrayDeque<>();
  private int[] current;
  private long lastStep = -1;
  private long stepsSeen;

  /**
   * @param period steps between two plans; the first comes after one step
   * @param history steps whose loads count
   */
  Eplb(int ranks, int experts, int slotsPerRank, int period, int history) {
    this.ranks = ranks;
    this.experts = experts;
    this.localPhysicalExperts = experts / ranks + slotsPerRank;
    this.period = period;
    this.history = history;
    this.current = homes();
  }

  /** The experts at home, no replicas. */
  private int[] homes() {
    int localExperts = experts / ranks;
    int[] expertOf = new int[ranks * localPhysicalExperts];
    for (int place = 0; place < expertOf.length; place++) {
      int local = place % localPhysicalExperts;
      expertOf[place] =
          local < localExperts ? place / localPhysicalExperts * localExperts + local : EMPTY;
    }
    return expertOf;
  }

  /** The placement for counts of a step, which are then remembered for later ones. */
  Placement next(long step, int[] counts) {
    Placement placement = new Placement(current, current);
    if (step != lastStep) {
      if (stepsSeen == 1 || (stepsSeen > 1 && stepsSeen % period == 0)) {
        int[] replaced = current;
        current = place(pastLoads());
        placement = new Placement(current, replaced);
      }
      stepsSeen++;
      lastStep = step;
      if (past.size() == history) {
        past.removeFirst();
      }
      past.addLast(new long[experts]);
    }
    long[] loads = past.getLast(); // micro-batches of one step add up
    for (int i = 0; i < counts.length; i++) {
      loads[i % experts] += counts[i];
    }
    return placement;
  }

  private long[] pastLoads() {
    long[] sum = new long[experts];
    for (long[] loads : past) {
      for (int expert = 0; expert < experts; expert++) {
        sum[expert] += loads[expert];
      }
    }
    return sum;
  }

  /** A placement that suits these loads. */
  int[] place(long[] loads) {
    return pack(replicate(loads), loads);
  }

  /** Replicas of every expert; they sum to all places. */
  int[] replicate(long[] loads) {
    int[] replicas = new int[experts];
    Arrays.fill(replicas, 1);
    for (int extra = experts; extra < ranks * localPhysicalExperts; extra++) {
      int hottest = 0;
      for (int expert = 1; expert < experts; expert++) {
        // load / replicas, compared without rounding
        if (loads[expert] * replicas[hottest] > loads[hottest] * replicas[expert]) {
          hottest = expert;
        }
      }
      replicas[hottest]++;
    }
    return replicas;
  }

  private int[] pack(int[] replicas, long[] loads) {
    Integer[] order = new Integer[experts];
    Arrays.setAll(order, expert -> expert);
    // Replicas of one expert are equally heavy, so ordering experts orders replicas.
    Arrays.sort(
        order,
        (one, other) -> Long.compare(loads[other] * replicas[one], loads[one] * replicas[other]));
    int[] expertOf = new int[ranks * localPhysicalExperts];
    int[] used = new int[ranks];
    double[] weight = new double[ranks];
    for (int expert : order) {
      for (int replica = 0; replica < replicas[expert]; replica++) {
        int lightest = EMPTY;
        for (int rank = 0; rank < ranks; rank++) {
          if (used[rank] < localPhysicalExperts
              && (lightest == EMPTY || weight[rank] < weight[lightest])) {
            lightest = rank;
          }
        }
        expertOf[lightest * localPhysicalExperts + used[lightest]++] = expert;
        weight[lightest] += (double) loads[expert] / replicas[expert];
      }
    }
    return expertOf;
  }
}
