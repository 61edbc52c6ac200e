package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;

/** Rows per physical expert, read when an operation runs. */
final class RowCounts {
  private final int[] counts;
  private final int first;
  private final int experts;
  private final int capacity;

  private RowCounts(int[] counts, int first, int experts, int capacity) {
    this.counts = counts;
    this.first = first;
    this.experts = experts;
    this.capacity = capacity;
  }

  /** The counts in {@code rowCounts} of row tensors with {@code capacity} rows. */
  static RowCounts of(Tensor rowCounts, int capacity) {
    return new RowCounts(
        CpuMemory.ints(rowCounts), CpuMemory.offset(rowCounts), rowCounts.extent(0), capacity);
  }

  int rows(int expert) {
    return counts[first + expert];
  }

  /** Rows of all experts; the native library must never be sent beyond the capacity. */
  int sum() {
    long sum = 0;
    for (int expert = 0; expert < experts; expert++) {
      if (rows(expert) < 0) {
        throw new IllegalStateException(
            "rowCounts of expert " + expert + " must be >= 0, was " + rows(expert));
      }
      sum += rows(expert);
    }
    if (sum > capacity) {
      throw new IllegalStateException(
          "rowCounts must sum to at most " + capacity + " rows, was " + sum);
    }
    return (int) sum;
  }
}
