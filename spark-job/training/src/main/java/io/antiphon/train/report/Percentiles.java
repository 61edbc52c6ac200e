package io.antiphon.train.report;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Percentiles by nearest rank: the p-th of n values is the one at place {@code ceil(p / 100 * n)}
 * in ascending order, counted from 1. So each is one of the values, and of few values several are
 * the same. NaN without values.
 *
 * @param p50 at least half of the values are not above it
 * @param p90 at least nine tenths of the values are not above it
 * @param p99 at least 99 in 100 of the values are not above it; the largest up to 100 values
 * @param max the largest value
 */
public record Percentiles(double p50, double p90, double p99, double max) implements Serializable {
  /** The percentiles of no values. */
  public static final Percentiles NONE =
      new Percentiles(Double.NaN, Double.NaN, Double.NaN, Double.NaN);

  /** The percentiles of {@code values}, which may be in any order and are not changed. */
  public static Percentiles of(double... values) {
    if (values.length == 0) {
      return NONE;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Percentiles(
        nearestRank(sorted, 50), nearestRank(sorted, 90), nearestRank(sorted, 99), last(sorted));
  }

  private static double nearestRank(double[] sorted, long percent) {
    long place = (percent * sorted.length + 99) / 100; // rounded up, without rounding errors
    return sorted[Math.toIntExact(place - 1)];
  }

  private static double last(double[] sorted) {
    return sorted[sorted.length - 1];
  }
}
