package io.antiphon.train;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;

/**
 * Draws the next token from logits: by temperature, among the most likely that together reach
 * top-p.
 */
public final class Sampling {
  private final double temperature;
  private final double topP;
  private final SplittableRandom random;

  /**
   * @param temperature divides the logits; 0 takes the most likely token
   * @param topP in (0, 1]: mass of the most likely tokens to choose from
   * @param seed of the draws
   */
  public Sampling(double temperature, double topP, long seed) {
    if (!(temperature >= 0) || !(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException(
          "need temperature >= 0 and 0 < top-p <= 1, were " + temperature + " and " + topP);
    }
    this.temperature = temperature;
    this.topP = topP;
    this.random = new SplittableRandom(seed);
  }

  /**
   * The next token for {@code logits [vocabulary]}; ties go to the lowest token.
   *
   * @throws RuinedModel if a logit is not finite, so that there is nothing to choose by
   */
  public int next(double[] logits) {
    for (int token = 0; token < logits.length; token++) {
      if (!Double.isFinite(logits[token])) {
        throw new RuinedModel(
            "the model is ruined: its logit of token " + token + " is " + logits[token]);
      }
    }
    Integer[] order = new Integer[logits.length];
    Arrays.setAll(order, token -> token);
    Arrays.sort(order, Comparator.comparingDouble(token -> -logits[token]));
    if (temperature == 0) {
      return order[0];
    }
    double[] mass = new double[logits.length];
    double total = 0; // at least 1, the mass of the likeliest
    for (int i = 0; i < mass.length; i++) {
      mass[i] = Math.exp((logits[order[i]] - logits[order[0]]) / temperature);
      total += mass[i];
    }
    double kept = 0;
    int choices = 0;
    while (choices < mass.length && kept < topP * total) {
      kept += mass[choices++];
    }
    double draw = random.nextDouble() * kept;
    for (int i = 0; i < choices; i++) {
      draw -= mass[i];
      if (draw < 0) {
        return order[i];
      }
    }
    return order[choices - 1];
  }
}
