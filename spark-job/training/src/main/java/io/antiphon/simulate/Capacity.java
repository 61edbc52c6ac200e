package io.antiphon.simulate;

import java.util.Locale;

/**
 * Rows that a rank's buffers need so that a step overflows at a rate of 1e-4, in multiples of the
 * mean load: what {@code moe.token-capacity} should be.
 *
 * @param factor the estimate
 * @param worst most that was needed in any of the steps seen
 * @param steps steps seen
 * @param extrapolated whether the steps were too few to read the estimate off
 */
public record Capacity(double factor, double worst, int steps, boolean extrapolated) {
  /** Share of steps that may overflow and have to run again. */
  public static final double OVERFLOW_RATE = 1e-4;

  private static final double ENOUGH_STEPS = 10 / OVERFLOW_RATE;
  private static final double TAIL_SHARE = 0.1;
  private static final int FEWEST_IN_TAIL = 5;
  private static final double CONFIDENCE = 0.95;

  /**
   * Estimates from the need of each step.
   *
   * <p>With ten times as many steps as an overflow takes on average, it is an order statistic. With
   * fewer, the excess of the top tenth over its threshold is taken to be exponential, which is
   * cautious for the maximum of many nearly normal loads, whose tail is lighter. It is never below
   * what was seen, nor above what a rank with everything needs.
   *
   * @param ranks of the group: no rank can have more times the mean
   */
  static Capacity of(double[] needs, int ranks) {
    Quantiles quantiles = new Quantiles(needs);
    int steps = quantiles.size();
    if (steps >= ENOUGH_STEPS) {
      return new Capacity(quantiles.at(1 - OVERFLOW_RATE), quantiles.max(), steps, false);
    }
    int tail = Math.min(steps - 1, Math.max(FEWEST_IN_TAIL, (int) (steps * TAIL_SHARE)));
    if (tail < 1) {
      return new Capacity(quantiles.max(), quantiles.max(), steps, true);
    }
    double threshold = quantiles.below(tail);
    double meanExcess = 0;
    for (double value : quantiles.largest(tail)) {
      meanExcess += (value - threshold) / tail;
    }
    double odds = (double) tail / steps / OVERFLOW_RATE; // P(exceeds threshold) / wanted rate
    double factor = threshold + meanExcess * Math.max(0, StrictMath.log(odds));
    factor = Math.min(ranks, Math.max(factor, quantiles.max()));
    return new Capacity(factor, quantiles.max(), steps, true);
  }

  /**
   * Overflow rate that {@link #worst} is not above, with 95 % confidence, if steps are independent:
   * all that the steps prove without a model of the tail.
   */
  public double provenRate() {
    return 1 - StrictMath.pow(1 - CONFIDENCE, 1.0 / steps);
  }

  /** What the estimate rests on. */
  public String explanation() {
    return extrapolated
        ? String.format(
            Locale.ROOT,
            "extrapolated from %d steps; %.3f, the most seen, overflows at a rate of at most %.2g"
                + " (95 %% confidence)",
            steps,
            worst,
            provenRate())
        : String.format(Locale.ROOT, "read off %d steps", steps);
  }
}
