package io.antiphon.simulate;

/**
 * One contender on the counts of one layer and micro-batch.
 *
 * @param step of the sample
 * @param maxLoad rows of the busiest rank
 * @param total rows of all ranks
 * @param ranks of the group
 * @param clones extra copies of experts
 * @param weightsInside bytes of weights and gradients inside nodes, all ranks together
 * @param weightsBetween the same between nodes
 * @param tokensInside bytes of rows inside nodes
 * @param tokensBetween the same between nodes
 * @param planNanos time of the planner on this CPU
 * @param seconds estimated time of the layer
 * @param gemmSeconds of it, expert GEMMs of the slowest rank
 */
record Measurement(
    long step,
    int maxLoad,
    long total,
    int ranks,
    int clones,
    long weightsInside,
    long weightsBetween,
    long tokensInside,
    long tokensBetween,
    long planNanos,
    double seconds,
    double gemmSeconds) {

  double mean() {
    return (double) total / ranks;
  }

  /** Load of the busiest rank, in multiples of the mean; 1 if there is no load. */
  double maxOverMean() {
    return total == 0 ? 1 : maxLoad / mean();
  }

  /** Whether no integer loads are better. */
  boolean isOptimal() {
    return maxLoad <= (total + ranks - 1) / ranks;
  }
}
