package io.antiphon.simulate;

import java.util.Arrays;

/**
 * Experts with the probability of each, drawn from in constant time by Walker's alias method: a
 * draw lands on a cell, and a second number decides between the cell's own expert and its alias.
 */
final class ExpertPool {
  private static final double CERTAIN = 0x1.0p32;

  private final int[] experts;
  private final int[] aliases;
  private final long[] thresholds; // of 2^32; a draw at or above it takes the alias

  private ExpertPool(int[] experts, int[] aliases, long[] thresholds) {
    this.experts = experts;
    this.aliases = aliases;
    this.thresholds = thresholds;
  }

  /** Every expert as likely as the other. */
  static ExpertPool uniform(int[] experts) {
    long[] thresholds = new long[experts.length];
    Arrays.fill(thresholds, (long) CERTAIN);
    return new ExpertPool(experts.clone(), experts.clone(), thresholds);
  }

  /**
   * All experts.
   *
   * @param shares probability of each expert; they sum to 1
   */
  static ExpertPool weighted(double[] shares) {
    int size = shares.length;
    int[] aliases = new int[size];
    long[] thresholds = new long[size];
    double[] scaled = new double[size];
    int[] open = new int[size]; // cells below 1 from the left, above from the right
    int low = 0;
    int high = size;
    for (int expert = 0; expert < size; expert++) {
      aliases[expert] = expert;
      scaled[expert] = shares[expert] * size;
      if (scaled[expert] < 1) {
        open[low++] = expert;
      } else {
        open[--high] = expert;
      }
    }
    Arrays.fill(thresholds, (long) CERTAIN);
    while (low > 0 && high < size) {
      int small = open[--low];
      int large = open[high];
      thresholds[small] = (long) (scaled[small] * CERTAIN);
      aliases[small] = large;
      scaled[large] -= 1 - scaled[small];
      if (scaled[large] < 1) {
        high++;
        open[low++] = large;
      }
    }
    int[] experts = new int[size];
    Arrays.setAll(experts, expert -> expert);
    return new ExpertPool(experts, aliases, thresholds);
  }

  int size() {
    return experts.length;
  }

  int draw(RandomStream random) {
    long bits = random.next();
    int cell = (int) (((bits >>> 32) * experts.length) >>> 32);
    return (bits & 0xFFFFFFFFL) < thresholds[cell] ? experts[cell] : aliases[cell];
  }
}
