package io.antiphon.plan;

import java.util.Arrays;

/**
 * Splits every slot's quota over the source ranks so that few assignments cross ranks and nodes: a
 * slot takes first from its own rank, then from its node, then from nodes that are neither its own
 * nor the home's, then from the home's node, and from the home rank last. Within such a class the
 * ranks give in proportion to what they have left, rounded down, and the lowest ranks give the
 * rest.
 *
 * <p>With a pair capacity, sources whose rows for the home rank exceed it give first, and nobody
 * gives more than fits its pair with the slot's rank; what then finds no way stays at home and the
 * quota shrinks.
 */
final class LocalitySplit {
  /** Classes of sources in the order in which they give. */
  private static final int CLASSES = 6;

  private static final int PRESSED = 0;
  private static final int OWN = 1;
  private static final int OWN_NODE = 2;
  private static final int OTHER_NODE = 3;
  private static final int HOME_NODE = 4;
  private static final int HOME = 5;

  private final PlanShape shape;
  private final BalanceOptions options;
  private final SlotsOfExpert slotsOfExpert;
  private final int[] node;
  private final int[] available;
  private final int[] given;
  private final int[] left;
  private final int[] pairRows;
  private final int[] missing;

  LocalitySplit(PlanShape shape, BalanceOptions options) {
    this.shape = shape;
    this.options = options;
    this.slotsOfExpert = new SlotsOfExpert(shape);
    this.node = new int[shape.ranks()]; // divisions would cost more than the rest
    Arrays.setAll(node, options::node);
    this.available = new int[shape.ranks()];
    this.given = new int[shape.ranks()];
    this.left = new int[shape.ranks()];
    this.pairRows = new int[options.hasPairCapacity() ? shape.ranks() * shape.ranks() : 0];
    this.missing = new int[shape.slots()];
  }

  /**
   * Writes {@code toSlot} of every used slot, and shrinks quotas that the pair capacity forbids.
   *
   * @param counts {@code [ranks, experts]}, read
   * @param plan clones placed, with quotas that sum to at most the load of each expert
   */
  void split(int[] counts, EchoPlan plan) {
    slotsOfExpert.link(plan);
    if (options.hasPairCapacity()) {
      sumPairs(counts);
    }
    for (int expert = 0; expert < shape.experts(); expert++) {
      if (slotsOfExpert.first(expert) != SlotsOfExpert.NONE) {
        split(expert, counts, plan);
      }
    }
  }

  private void sumPairs(int[] counts) {
    Arrays.fill(pairRows, 0);
    for (int source = 0; source < shape.ranks(); source++) {
      for (int expert = 0; expert < shape.experts(); expert++) {
        pairRows[source * shape.ranks() + shape.homeRank(expert)] +=
            counts[source * shape.experts() + expert];
      }
    }
  }

  private void split(int expert, int[] counts, EchoPlan plan) {
    for (int source = 0; source < shape.ranks(); source++) {
      available[source] = counts[source * shape.experts() + expert];
    }
    int first = slotsOfExpert.first(expert);
    for (int slot = first; slot != SlotsOfExpert.NONE; slot = slotsOfExpert.next(slot)) {
      missing[slot] = plan.quota()[slot];
    }
    for (int sources = options.hasPairCapacity() ? PRESSED : OWN; sources < CLASSES; sources++) {
      for (int slot = first; slot != SlotsOfExpert.NONE; slot = slotsOfExpert.next(slot)) {
        if (missing[slot] > 0) {
          give(sources, expert, slot, plan);
        }
      }
    }
    for (int slot = first; slot != SlotsOfExpert.NONE; slot = slotsOfExpert.next(slot)) {
      plan.shrink(slot, missing[slot]);
    }
  }

  /** Lets one class of sources give to a slot what it still needs, or all they can. */
  private void give(int sources, int expert, int slot, EchoPlan plan) {
    int rank = shape.slotRank(slot);
    int home = shape.homeRank(expert);
    int from = 0;
    int to = shape.ranks();
    if (sources == OWN || sources == HOME) { // classes of one rank need no search
      from = sources == OWN ? rank : home;
      to = from + 1;
    }
    long sum = 0;
    for (int source = from; source < to; source++) {
      given[source] = isOf(sources, source, rank, home) ? most(sources, source, rank, home) : 0;
      sum += given[source];
    }
    if (sum == 0) {
      return;
    }
    int wanted = (int) Math.min(sum, missing[slot]);
    if (wanted < sum) {
      share(from, to, wanted, sum);
    }
    for (int source = from; source < to; source++) {
      if (given[source] > 0) {
        move(source, rank, home, slot, given[source], plan);
      }
    }
    missing[slot] -= wanted;
  }

  /** Lowers what the sources can give, {@code sum} together, to {@code wanted} together. */
  private void share(int from, int to, int wanted, long sum) {
    // A division per source would take most of the time of a plan; this is exact as well.
    long reciprocal = Long.MAX_VALUE / sum;
    int rest = wanted;
    for (int source = from; source < to; source++) {
      long product = (long) given[source] * wanted;
      long quotient = Math.multiplyHigh(product << 1, reciprocal); // right, or one too low
      quotient += product - quotient * sum >= sum ? 1 : 0;
      left[source] = given[source] - (int) quotient;
      given[source] = (int) quotient;
      rest -= (int) quotient;
    }
    for (int source = from; rest > 0; source++) {
      int more = Math.min(rest, left[source]);
      given[source] += more;
      rest -= more;
    }
  }

  private boolean isOf(int sources, int source, int rank, int home) {
    if (sources == PRESSED) {
      return source != rank && pairRows[source * shape.ranks() + home] > options.pairCapacity();
    }
    if (source == rank) {
      return sources == OWN;
    }
    if (source == home) {
      return sources == HOME;
    }
    if (node[source] == node[rank]) {
      return sources == OWN_NODE;
    }
    return sources == (node[source] == node[home] ? HOME_NODE : OTHER_NODE);
  }

  /** What a source can give to a slot on {@code rank}. */
  private int most(int sources, int source, int rank, int home) {
    if (!options.hasPairCapacity() || source == rank) {
      return available[source];
    }
    int room = options.pairCapacity() - pairRows[source * shape.ranks() + rank];
    int most = Math.max(0, Math.min(available[source], room));
    if (sources == PRESSED) {
      most = Math.min(most, pairRows[source * shape.ranks() + home] - options.pairCapacity());
    }
    return most;
  }

  private void move(int source, int rank, int home, int slot, int share, EchoPlan plan) {
    plan.toSlot()[source * shape.slots() + slot] += share;
    available[source] -= share;
    if (options.hasPairCapacity()) {
      pairRows[source * shape.ranks() + rank] += share;
      pairRows[source * shape.ranks() + home] -= share;
    }
  }
}
