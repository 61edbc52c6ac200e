package io.antiphon.plan;

import java.util.Arrays;

/**
 * What the loads of a group leave over (docs/echo.md 2.1): the spill of experts on ranks above the
 * average, and the spare room of ranks below it.
 *
 * <p>A rank serves its small experts entirely; what exceeds the average is charged to its largest
 * experts, so that few, large pieces have to move.
 */
final class Imbalance {
  private final PlanShape shape;
  private final int[] load;
  private final int[] spill;
  private final int[] spare;
  private final int[] expertsBySpill;
  private final int[] ranksBySpare;
  private final long[] keys;
  private int average;
  private int spillingExperts;
  private int sparingRanks;

  Imbalance(PlanShape shape) {
    this.shape = shape;
    this.load = new int[shape.experts()];
    this.spill = new int[shape.experts()];
    this.spare = new int[shape.ranks()];
    this.expertsBySpill = new int[shape.experts()];
    this.ranksBySpare = new int[shape.ranks()];
    this.keys = new long[shape.experts()];
  }

  /** Takes in new counts, {@code [ranks, experts]}. */
  void measure(int[] counts) {
    int experts = shape.experts();
    average = shape.requireCounts(counts) / shape.ranks();
    Arrays.fill(load, 0);
    for (int rank = 0; rank < shape.ranks(); rank++) {
      for (int expert = 0; expert < experts; expert++) {
        load[expert] += counts[rank * experts + expert];
      }
    }
    for (int rank = 0; rank < shape.ranks(); rank++) {
      measureRank(rank);
    }
    spillingExperts = sortPositiveDescending(spill, expertsBySpill);
    sparingRanks = sortPositiveDescending(spare, ranksBySpare);
  }

  /** Assignments per rank that every rank should have; also what it can take. */
  int average() {
    return average;
  }

  /** Assignments of an expert, from all ranks. */
  int load(int expert) {
    return load[expert];
  }

  /** Assignments of an expert that its rank has above the average. */
  int spill(int expert) {
    return spill[expert];
  }

  /** Room of a rank below the average. */
  int spare(int rank) {
    return spare[rank];
  }

  /** Experts with spill. */
  int spillingExperts() {
    return spillingExperts;
  }

  /** Ranks with spare room. */
  int sparingRanks() {
    return sparingRanks;
  }

  /** The expert at a position of the order by descending spill. */
  int expertBySpill(int position) {
    return expertsBySpill[position];
  }

  /** The rank at a position of the order by descending spare room. */
  int rankBySpare(int position) {
    return ranksBySpare[position];
  }

  private void measureRank(int rank) {
    int localExperts = shape.localExperts();
    int firstExpert = rank * localExperts;
    int rankLoad = 0;
    for (int local = 0; local < localExperts; local++) {
      int expert = firstExpert + local;
      rankLoad += load[expert];
      spill[expert] = 0;
      keys[local] = SortKey.ascending(load[expert], expert);
    }
    spare[rank] = Math.max(average - rankLoad, 0);
    if (rankLoad <= average) {
      return;
    }
    Arrays.sort(keys, 0, localExperts);
    int served = 0;
    for (int local = 0; local < localExperts; local++) {
      int expertLoad = SortKey.ascendingValue(keys[local]);
      int kept = Math.min(expertLoad, average - served);
      served += kept;
      spill[SortKey.index(keys[local])] = expertLoad - kept;
    }
  }

  private int sortPositiveDescending(int[] values, int[] order) {
    int positive = 0;
    for (int index = 0; index < values.length; index++) {
      if (values[index] > 0) {
        keys[positive++] = SortKey.descending(values[index], index);
      }
    }
    Arrays.sort(keys, 0, positive);
    for (int position = 0; position < positive; position++) {
      order[position] = SortKey.index(keys[position]);
    }
    return positive;
  }
}
