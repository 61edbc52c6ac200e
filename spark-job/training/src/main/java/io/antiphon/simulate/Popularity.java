package io.antiphon.simulate;

import java.util.Arrays;

/** How much of the tokens each expert of a layer draws, by Zipf's law. */
final class Popularity {
  private static final long ORDER = 0x0123;

  private final double[] sharesByRank;
  private final long seed;

  /**
   * @param exponent of the law: the n-th most popular expert draws in proportion to {@code
   *     n^-exponent}; 0 makes all alike
   * @param topK experts per token: none draws more than every token, a share of {@code 1 / topK}
   */
  Popularity(int experts, double exponent, int topK, long seed) {
    this.sharesByRank = new double[experts];
    this.seed = seed;
    double[] weights = new double[experts];
    for (int i = 0; i < experts; i++) {
      weights[i] = StrictMath.pow(i + 1.0, -exponent);
    }
    cap(weights, 1.0 / topK, sharesByRank);
  }

  /** Scales weights, in descending order, to shares that sum to 1 with none above {@code most}. */
  static void cap(double[] weights, double most, double[] shares) {
    double rest = Arrays.stream(weights).sum();
    double left = 1;
    for (int i = 0; i < weights.length; i++) {
      // A capped expert leaves its surplus to those after it, in proportion to their weights.
      shares[i] = rest <= 0 ? 0 : Math.min(most, left * weights[i] / rest);
      left -= shares[i];
      rest -= weights[i];
    }
    // Equal shares where the cap leaves no choice, as with as many experts as choices.
    if (left > 1e-9) {
      for (int i = 0; i < shares.length; i++) {
        shares[i] += Math.min(most - shares[i], left);
        left -= Math.max(0, Math.min(most - shares[i], left));
      }
    }
  }

  /** Shares of a layer whose expert order never changes. */
  double[] shares(int layer) {
    RandomStream random = RandomStream.of(seed, ORDER, layer, -1);
    return inOrderOf(scores(random));
  }

  /**
   * Shares of a layer at a step. The order of the experts changes gradually; after {@code period}
   * steps it is independent of what it was. The law itself stays the same.
   */
  double[] shares(int layer, long step, int period) {
    double[] from = scores(RandomStream.of(seed, ORDER, layer, step / period));
    double[] to = scores(RandomStream.of(seed, ORDER, layer, step / period + 1));
    double angle = Math.PI / 2 * (step % period) / period;
    double cosine = StrictMath.cos(angle);
    double sine = StrictMath.sin(angle);
    for (int expert = 0; expert < from.length; expert++) {
      from[expert] = cosine * from[expert] + sine * to[expert]; // normal again
    }
    return inOrderOf(from);
  }

  private double[] scores(RandomStream random) {
    double[] scores = new double[sharesByRank.length];
    for (int expert = 0; expert < scores.length; expert++) {
      scores[expert] = random.normal();
    }
    return scores;
  }

  /** The expert of the highest score gets the largest share, and so on. */
  private double[] inOrderOf(double[] scores) {
    Integer[] order = new Integer[scores.length];
    Arrays.setAll(order, expert -> expert);
    Arrays.sort(order, (one, other) -> Double.compare(scores[other], scores[one]));
    double[] shares = new double[scores.length];
    for (int rank = 0; rank < order.length; rank++) {
      shares[order[rank]] = sharesByRank[rank];
    }
    return shares;
  }
}
