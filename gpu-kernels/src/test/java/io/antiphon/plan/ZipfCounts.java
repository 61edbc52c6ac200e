package io.antiphon.plan;

import java.util.SplittableRandom;

/**
 * Counts as a Zipf-like router makes them: expert popularity falls as a power of a random rank
 * order, is clipped at 1/8 and renormalised; every source rank draws its assignments from it.
 */
final class ZipfCounts {
  static final int ASSIGNMENTS = 32_768;

  private static final double MOST_POPULAR = 1 / 8.0;

  private ZipfCounts() {}

  /** {@code [ranks, experts]}; the same seed gives the same counts. */
  static int[] draw(int ranks, int experts, double exponent, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] popularity = popularity(experts, exponent, random);
    int[] counts = new int[ranks * experts];
    for (int rank = 0; rank < ranks; rank++) {
      drawRank(popularity, random, counts, rank * experts);
    }
    return counts;
  }

  private static double[] popularity(int experts, double exponent, SplittableRandom random) {
    int[] order = new int[experts];
    for (int i = 0; i < experts; i++) {
      int other = random.nextInt(i + 1);
      order[i] = order[other];
      order[other] = i;
    }
    double[] popularity = new double[experts];
    double sum = 0;
    for (int i = 0; i < experts; i++) {
      popularity[order[i]] = Math.pow(i + 1, -exponent);
      sum += popularity[order[i]];
    }
    for (int i = 0; i < experts; i++) {
      popularity[i] = Math.min(popularity[i] / sum, MOST_POPULAR);
    }
    return popularity;
  }

  /** A multinomial draw, expert by expert: each is binomial in what the former ones left. */
  private static void drawRank(
      double[] popularity, SplittableRandom random, int[] counts, int first) {
    double left = 0;
    for (double share : popularity) {
      left += share;
    }
    int assignments = ASSIGNMENTS;
    for (int expert = 0; expert < popularity.length - 1; expert++) {
      counts[first + expert] = binomial(assignments, popularity[expert] / left, random);
      assignments -= counts[first + expert];
      left -= popularity[expert];
    }
    counts[first + popularity.length - 1] = assignments;
  }

  /** Exact for small means, rounded normal for large ones. */
  private static int binomial(int trials, double probability, SplittableRandom random) {
    double mean = trials * probability;
    if (mean < 20) {
      return inverted(trials, probability, random);
    }
    double normal =
        Math.sqrt(-2 * Math.log(1 - random.nextDouble()))
            * Math.cos(2 * Math.PI * random.nextDouble());
    long drawn = Math.round(mean + normal * Math.sqrt(mean * (1 - probability)));
    return (int) Math.max(0, Math.min(trials, drawn));
  }

  private static int inverted(int trials, double probability, SplittableRandom random) {
    double uniform = random.nextDouble();
    double mass = Math.exp(trials * Math.log1p(-probability));
    int successes = 0;
    while (uniform > mass && successes < trials) {
      uniform -= mass;
      mass *= (double) (trials - successes) / (successes + 1) * probability / (1 - probability);
      successes++;
    }
    return successes;
  }
}
