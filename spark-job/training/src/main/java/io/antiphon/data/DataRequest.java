package io.antiphon.data;

import java.util.Optional;

/**
 * What to make of a corpus: tokens by which tokenizer, in sequences how long, split how.
 *
 * @param corpus where the documents come from
 * @param tokenizer {@code bytes}, or the path of a {@code tokenizer.json}
 * @param endOfText text of the special token that ends a document, if the tokenizer file has
 *     another than the usual ones
 * @param specialTokensInText whether text that spells a special token of the tokenizer file becomes
 *     that token; else it stays text
 * @param validationFraction share of the tokens kept for validation, in {@code [0, 0.5]}; 0 for
 *     none
 * @param cacheDir directory of packed token stores, on a file system every rank can read
 * @param sequenceLength tokens a model reads of one sequence, L
 * @param seed decides the split and the order of the sequences
 */
public record DataRequest(
    Corpus corpus,
    String tokenizer,
    Optional<String> endOfText,
    boolean specialTokensInText,
    double validationFraction,
    String cacheDir,
    int sequenceLength,
    long seed) {

  /** Longest sequence a store holds: its reader reserves memory for whole sequences. */
  public static final int MAX_SEQUENCE_LENGTH = 1 << 20;

  public DataRequest {
    if (!(validationFraction >= 0 && validationFraction <= 0.5)) {
      throw new IllegalArgumentException(
          "validation fraction must be in [0, 0.5], was " + validationFraction);
    }
    if (sequenceLength < 1 || sequenceLength > MAX_SEQUENCE_LENGTH) {
      throw new IllegalArgumentException(
          "sequence length must be in [1, " + MAX_SEQUENCE_LENGTH + "], was " + sequenceLength);
    }
  }
}
