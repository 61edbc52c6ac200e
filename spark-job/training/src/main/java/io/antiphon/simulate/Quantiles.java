package io.antiphon.simulate;

import java.util.Arrays;

/** Order statistics of a few numbers. */
final class Quantiles {
  private final double[] sorted;

  Quantiles(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("quantiles need at least one value");
    }
    sorted = values.clone();
    Arrays.sort(sorted);
  }

  /** The smallest value that at least this share of the values does not exceed. */
  double at(double share) {
    int index = (int) Math.ceil(share * sorted.length) - 1;
    return sorted[Math.max(0, Math.min(index, sorted.length - 1))];
  }

  double max() {
    return sorted[sorted.length - 1];
  }

  double mean() {
    return Arrays.stream(sorted).sum() / sorted.length;
  }

  int size() {
    return sorted.length;
  }

  /** The values above the smallest ones. */
  double[] largest(int count) {
    return Arrays.copyOfRange(sorted, sorted.length - count, sorted.length);
  }

  /** The value just below the {@code count} largest. */
  double below(int count) {
    return sorted[sorted.length - count - 1];
  }
}
