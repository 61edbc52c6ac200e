package io.antiphon.plan;

import java.util.Arrays;

/**
 * One pass of the balanced planner: clones that bring every rank to a threshold, if the pass finds
 * them.
 *
 * <p>While a rank is above the threshold, the rank with the largest deficit and a free slot takes
 * from one expert of an overloaded rank as much as fits. A rank may shed more than its surplus as
 * long as it has a free slot: it then takes clones itself. That is the alias construction of A. J.
 * Walker with the freedom to choose donors. Loops over fixed arrays only, so that one warp can run
 * the same steps.
 */
final class ClonePlacement {
  /** Which expert is taken of those that fill a receiver alike. */
  enum Preference {
    /**
     * One of the rank with the largest surplus, which stays overloaded, so that fewer ranks are
     * chained.
     */
    SURPLUS,
    /** One of a rank of the receiver's node, then by surplus. */
    SAME_NODE,
    /** The one with most assignments left at home. */
    REMAINING,
    /**
     * One of the rank whose surplus is nearest to what is taken, which may end its part exactly.
     */
    EXACT_MATCH
  }

  private static final int NONE = -1;

  /** Marks an expert that the receiver holds by a clone of this pass. */
  private static final int PLACED = 1;

  /** Marks an expert whose weights a slot of the receiver holds already. */
  private static final int HELD = 2;

  private final PlanShape shape;
  private final BalanceOptions options;
  private final int localExperts;
  private final int[] load;
  private final int[] remaining;
  private final int[] freeSlots;
  private final boolean[] closed;
  private final int[] mark;
  private final int[] clonesOnRank;
  private final int[] receiver;
  private final int[] expert;
  private final int[] quota;
  private int placed;
  private int threshold;

  // The best expert for the current receiver.
  private int bestExpert;
  private int bestAmount;
  private boolean bestHeld;
  private long bestKey;

  ClonePlacement(PlanShape shape, BalanceOptions options) {
    this.shape = shape;
    this.options = options;
    this.localExperts = shape.localExperts();
    this.load = new int[shape.ranks()];
    this.remaining = new int[shape.experts()];
    this.freeSlots = new int[shape.ranks()];
    this.closed = new boolean[shape.ranks()];
    this.mark = new int[shape.experts()];
    this.clonesOnRank = new int[shape.slots()];
    this.receiver = new int[shape.slots()];
    this.expert = new int[shape.slots()];
    this.quota = new int[shape.slots()];
  }

  /**
   * Places clones anew.
   *
   * @param loads of experts and ranks, read
   * @param held {@code [slots]}: experts whose weights the slots hold already, or {@link
   *     EchoPlan#UNUSED}, read; they go first
   * @return whether every rank is at the threshold or below
   */
  boolean place(GroupLoads loads, int threshold, Preference preference, int[] held) {
    this.threshold = threshold;
    System.arraycopy(loads.ofRanks(), 0, load, 0, load.length);
    System.arraycopy(loads.ofExperts(), 0, remaining, 0, remaining.length);
    Arrays.fill(freeSlots, shape.slotsPerRank());
    Arrays.fill(closed, false);
    placed = 0;
    while (isOverloaded()) {
      int rank = neediest();
      if (rank == NONE) {
        return false;
      }
      choose(rank, preference, held);
      if (bestExpert == NONE) {
        closed[rank] = true; // amounts only shrink from here: it will find none later either
      } else {
        take(rank, bestExpert, bestAmount);
      }
    }
    return true;
  }

  /**
   * Fills one rank after the other to the threshold, each from one overloaded rank, its largest
   * experts first. Reaches any threshold at or above the mean if there are as many slots as home
   * experts: an overloaded rank has not been filled yet, so its home experts hold its whole load,
   * which is more than the threshold, hence more than any deficit; and a filled rank is never
   * touched again, so its slots suffice.
   */
  void fillOneByOne(GroupLoads loads, int threshold) {
    this.threshold = threshold;
    System.arraycopy(loads.ofRanks(), 0, load, 0, load.length);
    System.arraycopy(loads.ofExperts(), 0, remaining, 0, remaining.length);
    Arrays.fill(freeSlots, shape.slotsPerRank());
    Arrays.fill(closed, false);
    placed = 0;
    while (isOverloaded()) {
      int rank = neediest();
      int donor = mostLoaded();
      while (load[rank] < threshold) {
        int largest = donor * localExperts;
        for (int i = largest + 1; i < (donor + 1) * localExperts; i++) {
          largest = remaining[i] > remaining[largest] ? i : largest;
        }
        take(rank, largest, Math.min(remaining[largest], threshold - load[rank]));
      }
    }
  }

  /**
   * Gives assignments back to their home ranks as far as these stay within the threshold: clones
   * that are not needed vanish, others keep at least what their own rank sends them.
   *
   * @param counts {@code [ranks, experts]}, read
   */
  void giveBack(int[] counts) {
    for (int i = placed - 1; i >= 0; i--) {
      int home = expert[i] / localExperts;
      int slack = threshold - load[home];
      if (slack <= 0) {
        continue;
      }
      int back = quota[i];
      if (back > slack) {
        boolean sameNode = options.node(home) == options.node(receiver[i]);
        int own = counts[receiver[i] * shape.experts() + expert[i]];
        int kept = Math.max(options.minQuota(sameNode), own);
        back = Math.max(0, Math.min(slack, quota[i] - kept));
      }
      quota[i] -= back;
      remaining[expert[i]] += back;
      load[home] += back;
      load[receiver[i]] -= back;
    }
  }

  /** The largest load of a rank. */
  int maxLoad() {
    int most = 0;
    for (int rankLoad : load) {
      most = Math.max(most, rankLoad);
    }
    return most;
  }

  /** Clones whose weights come from another node. */
  int clonesAcrossNodes() {
    int clones = 0;
    for (int i = 0; i < placed; i++) {
      boolean across = options.node(receiver[i]) != options.node(expert[i] / localExperts);
      clones += quota[i] > 0 && across ? 1 : 0;
    }
    return clones;
  }

  /** Clones whose weights {@code held} slots of their rank do not hold yet. */
  int clonesToSend(int[] held) {
    int clones = 0;
    for (int i = 0; i < placed; i++) {
      clones += quota[i] > 0 && heldSlot(held, i) == NONE ? 1 : 0;
    }
    return clones;
  }

  /**
   * Writes slots and quotas: a clone whose weights a slot holds already stays in it, the others
   * take the free slots of their rank in the order of placement.
   */
  void write(int[] held, EchoPlan into) {
    into.clear();
    for (int i = 0; i < placed; i++) {
      int slot = quota[i] > 0 ? heldSlot(held, i) : NONE;
      if (slot != NONE) {
        into.place(slot, expert[i], quota[i]);
      }
    }
    for (int i = 0; i < placed; i++) {
      if (quota[i] > 0 && heldSlot(held, i) == NONE) {
        int slot = receiver[i] * shape.slotsPerRank();
        while (into.slotHome()[slot] != EchoPlan.UNUSED) {
          slot++;
        }
        into.place(slot, expert[i], quota[i]);
      }
    }
  }

  private int heldSlot(int[] held, int clone) {
    int first = receiver[clone] * shape.slotsPerRank();
    for (int slot = first; slot < first + shape.slotsPerRank(); slot++) {
      if (held[slot] == expert[clone]) {
        return slot;
      }
    }
    return NONE;
  }

  private boolean isOverloaded() {
    for (int rankLoad : load) {
      if (rankLoad > threshold) {
        return true;
      }
    }
    return false;
  }

  /** The open rank with a free slot that is farthest below the threshold. */
  private int neediest() {
    int found = NONE;
    int deficit = 0;
    for (int rank = 0; rank < load.length; rank++) {
      if (freeSlots[rank] > 0 && !closed[rank] && threshold - load[rank] > deficit) {
        deficit = threshold - load[rank];
        found = rank;
      }
    }
    return found;
  }

  private int mostLoaded() {
    int found = 0;
    for (int rank = 1; rank < load.length; rank++) {
      found = load[rank] > load[found] ? rank : found;
    }
    return found;
  }

  private void choose(int rank, Preference preference, int[] held) {
    mark(rank, held, HELD, PLACED);
    bestExpert = NONE;
    bestHeld = false;
    bestKey = 0;
    int deficit = threshold - load[rank];
    for (int donor = 0; donor < load.length; donor++) {
      int surplus = load[donor] - threshold;
      if (surplus <= 0) {
        continue;
      }
      boolean sameNode = options.node(donor) == options.node(rank);
      int limit = mayTakeClones(donor) ? deficit : Math.min(deficit, surplus);
      int least = options.minQuota(sameNode);
      for (int candidate = donor * localExperts;
          candidate < (donor + 1) * localExperts;
          candidate++) {
        int amount = Math.min(remaining[candidate], limit);
        boolean isHeld = mark[candidate] == HELD;
        if (amount < least || mark[candidate] == PLACED || (bestHeld && !isHeld)) {
          continue;
        }
        long key = key(amount, preference, surplus, sameNode, remaining[candidate]);
        if (key > bestKey || (isHeld && !bestHeld)) {
          bestKey = key;
          bestExpert = candidate;
          bestAmount = amount;
          bestHeld = isHeld;
        }
      }
    }
    mark(rank, held, 0, 0);
  }

  /**
   * Whether a donor may fall below the threshold, to be filled up by clones. Not where pairs are
   * limited: what then cannot leave it after all would come on top of its clones.
   */
  private boolean mayTakeClones(int donor) {
    return freeSlots[donor] > 0 && !options.hasPairCapacity();
  }

  /** Marks the experts that slots of a rank hold from before, and those placed there since. */
  private void mark(int rank, int[] held, int asHeld, int asPlaced) {
    int first = rank * shape.slotsPerRank();
    for (int slot = first; slot < first + shape.slotsPerRank(); slot++) {
      if (held[slot] != EchoPlan.UNUSED) {
        mark[held[slot]] = asHeld;
      }
    }
    for (int i = 0; i < shape.slotsPerRank() - freeSlots[rank]; i++) {
      mark[clonesOnRank[first + i]] = asPlaced;
    }
  }

  /** Larger is better: the amount first, then as the preference says. */
  private static long key(
      int amount, Preference preference, int surplus, boolean sameNode, int left) {
    long second =
        switch (preference) {
          case SURPLUS -> surplus;
          case SAME_NODE -> surplus / 2 + (sameNode ? 1 << 30 : 0);
          case REMAINING -> left;
          case EXACT_MATCH -> Integer.MAX_VALUE - Math.abs(surplus - amount);
        };
    return (long) amount << 32 | second;
  }

  private void take(int rank, int from, int amount) {
    clonesOnRank[rank * shape.slotsPerRank() + shape.slotsPerRank() - freeSlots[rank]] = from;
    freeSlots[rank]--;
    receiver[placed] = rank;
    expert[placed] = from;
    quota[placed] = amount;
    placed++;
    remaining[from] -= amount;
    load[from / localExperts] -= amount;
    load[rank] += amount;
  }
}
