package io.antiphon.plan;

import java.util.Arrays;

/** Assignments of each expert and of each rank's home experts, summed over the source ranks. */
final class GroupLoads {
  private final PlanShape shape;
  private final int[] ofExperts;
  private final int[] ofRanks;
  private int total;

  GroupLoads(PlanShape shape) {
    this.shape = shape;
    this.ofExperts = new int[shape.experts()];
    this.ofRanks = new int[shape.ranks()];
  }

  /** Takes in new counts, {@code [ranks, experts]}. */
  void measure(int[] counts) {
    total = shape.requireCounts(counts);
    Arrays.fill(ofExperts, 0);
    int experts = shape.experts();
    for (int first = 0; first < counts.length; first += experts) {
      for (int expert = 0; expert < experts; expert++) {
        ofExperts[expert] += counts[first + expert];
      }
    }
    int localExperts = shape.localExperts();
    for (int rank = 0; rank < ofRanks.length; rank++) {
      int load = 0;
      for (int expert = rank * localExperts; expert < (rank + 1) * localExperts; expert++) {
        load += ofExperts[expert];
      }
      ofRanks[rank] = load;
    }
  }

  /** Number of all assignments. */
  int total() {
    return total;
  }

  /** The mean rank load, rounded up: no plan has a lower maximum. */
  int meanRoundedUp() {
    return (int) ((total + shape.ranks() - 1L) / shape.ranks());
  }

  /** {@code [experts]}, read only. */
  int[] ofExperts() {
    return ofExperts;
  }

  /** {@code [ranks]}, read only. */
  int[] ofRanks() {
    return ofRanks;
  }
}
