package io.antiphon.train.report;

import java.io.Serializable;
import java.util.stream.LongStream;

/**
 * How far counts lie apart. NaN where nothing was counted.
 *
 * @param min the smallest
 * @param max the largest
 * @param std standard deviation of the whole population: the root of the mean squared distance from
 *     the mean
 */
public record CountSpread(double min, double max, double std) implements Serializable {
  /** The spread of no counts. */
  public static final CountSpread NONE = new CountSpread(Double.NaN, Double.NaN, Double.NaN);

  /** The spread of {@code counts}, at least one, in their unit. */
  public static CountSpread of(long[] counts) {
    double mean = mean(counts);
    double squares = 0;
    for (long count : counts) {
      squares += (count - mean) * (count - mean);
    }
    return new CountSpread(
        LongStream.of(counts).min().orElseThrow(),
        LongStream.of(counts).max().orElseThrow(),
        Math.sqrt(squares / counts.length));
  }

  /** The spread of {@code counts} in multiples of their mean; {@link #NONE} if they are all 0. */
  public static CountSpread relative(long[] counts) {
    double mean = mean(counts);
    if (mean == 0) {
      return NONE;
    }
    CountSpread spread = of(counts);
    return new CountSpread(spread.min / mean, spread.max / mean, spread.std / mean);
  }

  private static double mean(long[] counts) {
    return (double) LongStream.of(counts).sum() / counts.length;
  }
}
