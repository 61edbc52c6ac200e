package io.antiphon.model;

import io.antiphon.tensor.Tensor;

/** Where the layers leave the counts of every micro-batch, in a run that records its routing. */
final class RoutingCounts {
  private final Tensor counts;
  private final int microBatches;
  private int microBatch;

  /**
   * @param counts {@code [moeLayers * microBatches, ranks * experts]}, of this rank's
   *     expert-parallel group
   */
  RoutingCounts(Tensor counts, int microBatches) {
    this.counts = counts;
    this.microBatches = microBatches;
  }

  /** Begins a micro-batch: work that is enqueued from here on belongs to it. */
  void startMicroBatch(int index) {
    microBatch = index;
  }

  /** Place of the counts of one layer in the micro-batch that was started. */
  Tensor of(int moeLayer) {
    return counts.rows((long) moeLayer * microBatches + microBatch, 1);
  }
}
