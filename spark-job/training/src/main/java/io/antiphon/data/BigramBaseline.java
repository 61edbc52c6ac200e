package io.antiphon.data;

import io.antiphon.train.SequenceSource;

/**
 * The loss of a model that knows the last token only: what a trained model has to beat.
 *
 * <p>Interpolated absolute discounting: of every bigram that occurred after a token, a discount is
 * taken and given to the unigram model in proportion; the unigram model does the same with the
 * uniform one. So every token has a probability above 0. Each discount is {@code n1 / (n1 + 2 n2)}
 * of the training counts ({@code n1} events seen once, {@code n2} twice), kept in [0.01, 0.99];
 * nothing is fitted to validation data.
 *
 * <p>A target counts if its input is not an end of text, as for the model's loss.
 *
 * @see <a href="https://doi.org/10.1006/csla.1994.1001">Ney, Essen, Kneser: On structuring
 *     probabilistic dependences in stochastic language modelling</a>
 */
public final class BigramBaseline {
  /** Training targets that are counted at most, for a vocabulary that gets a table of pairs. */
  private static final long MAX_TARGETS_TABLE = 1L << 28;

  /** A baseline for larger vocabularies, whose pairs cost memory. */
  private static final long MAX_TARGETS_PAIRS = 1L << 24;

  private static final double MIN_DISCOUNT = 0.01;

  private final int vocabulary;
  private final int endOfText;
  private final long trainingTargets;
  private final BigramCounts bigrams;
  private final long[] contexts; // targets after each token
  private final int[] successors; // distinct targets after each token
  private final double bigramDiscount;
  private final double[] unigrams; // smoothed probabilities

  /**
   * How well the bigram model predicts validation text.
   *
   * @param lossPerToken mean negative log-likelihood, in nats per target token
   * @param lossPerByte the same in nats per byte of text, by the split's mean bytes per token
   * @param targets tokens it was measured on
   * @param trainingTargets tokens it was counted on
   */
  public record Result(
      double lossPerToken, double lossPerByte, long targets, long trainingTargets) {}

  private BigramBaseline(SequenceSource train) {
    this.vocabulary = train.vocabulary();
    this.endOfText = train.endOfText();
    this.bigrams = new BigramCounts(vocabulary);
    this.contexts = new long[vocabulary];
    this.successors = new int[vocabulary];
    long limit =
        vocabulary <= BigramCounts.MAX_TABLE_VOCABULARY ? MAX_TARGETS_TABLE : MAX_TARGETS_PAIRS;
    long[] seen = new long[vocabulary];
    int[] tokens = new int[train.sequenceLength() + 1];
    long targets = 0;
    for (long i = 0; i < train.sequences() && targets < limit; i++) {
      train.read(i, tokens, 0);
      for (int t = 0; t < train.sequenceLength(); t++) {
        if (tokens[t] != endOfText) {
          bigrams.add(tokens[t], tokens[t + 1]);
          contexts[tokens[t]]++;
          seen[tokens[t + 1]]++;
          targets++;
        }
      }
    }
    this.trainingTargets = targets;
    this.bigramDiscount = bigramDiscount();
    this.unigrams = unigrams(seen);
  }

  /**
   * Counts the training split, one epoch of it at most: a random part if it is larger than 2^28
   * targets (2^24 for vocabularies above 4096).
   */
  public static BigramBaseline of(SequenceSource train) {
    return new BigramBaseline(train);
  }

  /**
   * Measures the model on the first sequences of a validation split.
   *
   * @param sequences at most; fewer if the split has fewer
   * @param bytesPerToken of the validation split, from its manifest
   * @throws IllegalArgumentException if the splits have different tokens
   */
  public Result evaluate(SequenceSource validation, long sequences, double bytesPerToken) {
    if (validation.vocabulary() != vocabulary || validation.endOfText() != endOfText) {
      throw new IllegalArgumentException("validation has other tokens than the training split");
    }
    int[] tokens = new int[validation.sequenceLength() + 1];
    double loss = 0;
    long targets = 0;
    long count = Math.min(sequences, validation.sequences());
    for (long i = 0; i < count; i++) {
      validation.read(i, tokens, 0);
      for (int t = 0; t < validation.sequenceLength(); t++) {
        if (tokens[t] != endOfText) {
          loss -= Math.log(probability(tokens[t], tokens[t + 1]));
          targets++;
        }
      }
    }
    double perToken = targets == 0 ? 0 : loss / targets;
    double perByte = bytesPerToken > 0 ? perToken / bytesPerToken : 0;
    return new Result(perToken, perByte, targets, trainingTargets);
  }

  /** Probability of a token after another one. */
  double probability(int previous, int token) {
    long context = contexts[previous];
    if (context == 0) {
      return unigrams[token];
    }
    double direct = Math.max(0, bigrams.count(previous, token) - bigramDiscount);
    return (direct + bigramDiscount * successors[previous] * unigrams[token]) / context;
  }

  private double bigramDiscount() {
    long[] occurring = new long[3]; // [n]: pairs seen n times
    bigrams.forEach(
        (first, second, count) -> {
          successors[first]++;
          if (count <= 2) {
            occurring[count]++;
          }
        });
    return discount(occurring[1], occurring[2]);
  }

  private double[] unigrams(long[] seen) {
    long distinct = 0;
    long once = 0;
    long twice = 0;
    long all = 0;
    for (long count : seen) {
      all += count;
      distinct += count > 0 ? 1 : 0;
      once += count == 1 ? 1 : 0;
      twice += count == 2 ? 1 : 0;
    }
    double discount = discount(once, twice);
    double[] smoothed = new double[vocabulary];
    for (int token = 0; token < vocabulary; token++) {
      double direct = Math.max(0, seen[token] - discount);
      smoothed[token] =
          all == 0 ? 1.0 / vocabulary : (direct + discount * distinct / vocabulary) / all;
    }
    return smoothed;
  }

  private static double discount(long once, long twice) {
    double discount = once + twice == 0 ? 0 : once / (once + 2.0 * twice);
    return Math.min(1 - MIN_DISCOUNT, Math.max(MIN_DISCOUNT, discount));
  }
}
