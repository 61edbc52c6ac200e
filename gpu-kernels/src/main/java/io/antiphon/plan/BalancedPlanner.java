package io.antiphon.plan;

import io.antiphon.plan.ClonePlacement.Preference;
import java.util.Arrays;

/**
 * Minimises the largest rank load, then the weights to send, then the assignments that cross ranks
 * and nodes, for any number of slots per rank.
 *
 * <p>Places clones for the lowest threshold there can be, with a few independent preferences, and
 * keeps the best result; if none reaches the threshold, searches for the lowest one that some
 * preference reaches. With as many slots as home experts the threshold is always reached. {@code
 * docs/planner.md} has objective, guarantees and figures.
 */
public final class BalancedPlanner implements Planner {
  /** Thresholds tried when the lowest one is out of reach: each halves what is left to gain. */
  private static final int SEARCH_STEPS = 10;

  private final PlanShape shape;
  private final BalanceOptions options;
  private final GroupLoads loads;
  private final LocalitySplit split;
  private final int[] nothingHeld;
  private final int[] held;
  private final boolean severalNodes;
  private ClonePlacement best;
  private ClonePlacement trial;
  private int bestLoad;
  private int bestSent;
  private int bestSentAcross;

  /** A planner for groups of this shape. */
  public BalancedPlanner(PlanShape shape, BalanceOptions options) {
    this.shape = shape;
    this.options = options;
    this.loads = new GroupLoads(shape);
    this.split = new LocalitySplit(shape, options);
    this.severalNodes = options.ranksPerNode() < shape.ranks();
    this.best = new ClonePlacement(shape, options);
    this.trial = new ClonePlacement(shape, options);
    this.nothingHeld = new int[shape.slots()];
    this.held = new int[shape.slots()];
    Arrays.fill(nothingHeld, EchoPlan.UNUSED);
  }

  @Override
  public PlanShape shape() {
    return shape;
  }

  @Override
  public void plan(int[] counts, EchoPlan into) {
    plan(counts, nothingHeld, into);
  }

  /**
   * Plans with weights that slots hold already, from an earlier micro-batch of the same step for
   * example: at equal balance, clones that need not be sent are preferred. Slots that keep their
   * expert need not form a prefix of their rank's slots.
   *
   * @param counts as in {@link #plan(int[], EchoPlan)}
   * @param slotHome {@code [slots]}: experts whose weights the slots hold, or {@link
   *     EchoPlan#UNUSED}, read; may be the array of {@code into}
   */
  public void plan(int[] counts, int[] slotHome, EchoPlan into) {
    into.requireShape(shape);
    if (slotHome.length != shape.slots()) {
      throw new IllegalArgumentException(
          "slotHome must have " + shape.slots() + " entries, had " + slotHome.length);
    }
    loads.measure(counts);
    System.arraycopy(slotHome, 0, held, 0, held.length);
    place(counts);
    best.write(held, into);
    split.split(counts, into);
    if (slotHome == nothingHeld) {
      into.compact(); // the pair capacity may have emptied slots
    }
  }

  /** Leaves the placement to use in {@code best}. */
  private void place(int[] counts) {
    int lowest = threshold();
    bestLoad = Integer.MAX_VALUE;
    if (attempt(counts, lowest, lowest, held)) {
      return;
    }
    if (holdsAny() && attempt(counts, lowest, lowest, nothingHeld)) {
      return;
    }
    if (canFillOneByOne()) {
      trial.fillOneByOne(loads, lowest);
      keepIfBetter(counts, lowest);
      return;
    }
    int missed = lowest;
    for (int step = 0; step < SEARCH_STEPS && bestLoad - missed > 1; step++) {
      int middle = missed + (bestLoad - missed) / 2;
      if (!attempt(counts, middle, lowest, nothingHeld)) {
        missed = middle;
      }
    }
  }

  private boolean holdsAny() {
    for (int expert : held) {
      if (expert != EchoPlan.UNUSED) {
        return true;
      }
    }
    return false;
  }

  /** Whether some preference brings every rank to {@code threshold}. */
  private boolean attempt(int[] counts, int threshold, int lowest, int[] preferred) {
    boolean reached = attempt(counts, threshold, lowest, preferred, Preference.SURPLUS);
    if (severalNodes) {
      reached |= attempt(counts, threshold, lowest, preferred, Preference.SAME_NODE);
    }
    if (!reached || bestSent >= shape.ranks()) { // one clone less than ranks can do, mostly
      reached |= attempt(counts, threshold, lowest, preferred, Preference.REMAINING);
      reached |= attempt(counts, threshold, lowest, preferred, Preference.EXACT_MATCH);
    }
    return reached;
  }

  private boolean attempt(
      int[] counts, int threshold, int lowest, int[] preferred, Preference preference) {
    boolean reached = trial.place(loads, threshold, preference, preferred);
    keepIfBetter(counts, lowest);
    return reached;
  }

  /** Balance within the threshold is equal balance; then the weights to send count. */
  private void keepIfBetter(int[] counts, int lowest) {
    trial.giveBack(counts);
    int load = Math.max(lowest, trial.maxLoad());
    if (load > bestLoad) {
      return;
    }
    int sent = trial.clonesToSend(held);
    int sentAcross = severalNodes ? trial.clonesAcrossNodes() : 0;
    boolean better =
        load < bestLoad || sent < bestSent || (sent == bestSent && sentAcross < bestSentAcross);
    if (better) {
      ClonePlacement former = best;
      best = trial;
      trial = former;
      bestLoad = load;
      bestSent = sent;
      bestSentAcross = sentAcross;
    }
  }

  /** The load that no rank shall exceed. */
  private int threshold() {
    long total = loads.total();
    long band =
        total
            * (BalanceOptions.MILLION + options.toleranceMillionths())
            / ((long) BalanceOptions.MILLION * shape.ranks());
    return (int) Math.max(loads.meanRoundedUp(), Math.min(band, total));
  }

  private boolean canFillOneByOne() {
    return shape.slotsPerRank() >= shape.localExperts()
        && options.minQuotaAcrossNodes() == 1
        && !options.hasPairCapacity();
  }
}
