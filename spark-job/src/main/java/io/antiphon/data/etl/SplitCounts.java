package io.antiphon.data.etl;

import io.antiphon.data.Split;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * What a rule sends to each split, in one partition or in all of them.
 *
 * @param train for training
 * @param validation for validation
 */
record SplitCounts(Part train, Part validation) implements Serializable {

  /**
   * One split.
   *
   * @param pieces documents or parts of them
   * @param tokens of the pieces, with one end of text each
   * @param textBytes of the pieces, in proportion to their tokens
   */
  record Part(long pieces, long tokens, long textBytes) implements Serializable {
    static final Part NOTHING = new Part(0, 0, 0);

    Part plus(Part other) {
      return new Part(pieces + other.pieces, tokens + other.tokens, textBytes + other.textBytes);
    }

    /** Sequences of L + 1 tokens, each overlapping the next by one. */
    long sequences(int sequenceLength) {
      return Math.max(0, tokens - 1) / sequenceLength;
    }
  }

  static final SplitCounts NOTHING = new SplitCounts(Part.NOTHING, Part.NOTHING);

  Part part(Split split) {
    return split == Split.TRAIN ? train : validation;
  }

  SplitCounts plus(SplitCounts other) {
    return new SplitCounts(train.plus(other.train), validation.plus(other.validation));
  }

  /** Counts what each of the rules does with the documents of one partition. */
  static List<SplitCounts> of(
      Iterator<StoredDocument> documents, List<SplitRule> rules, int tokenBytes) {
    List<Tally> tallies = new ArrayList<>();
    rules.forEach(rule -> tallies.add(new Tally()));
    while (documents.hasNext()) {
      StoredDocument document = documents.next();
      long tokens = document.tokens(tokenBytes);
      for (int i = 0; i < rules.size(); i++) {
        tallies.get(i).add(document, tokens, rules.get(i));
      }
    }
    return tallies.stream().map(Tally::counts).toList();
  }

  private static final class Tally {
    private final Sums train = new Sums();
    private final Sums validation = new Sums();

    void add(StoredDocument document, long tokens, SplitRule rule) {
      rule.split(
          document,
          tokens,
          (split, start, end) ->
              (split == Split.TRAIN ? train : validation).add(document, tokens, start, end));
    }

    SplitCounts counts() {
      return new SplitCounts(train.part(), validation.part());
    }
  }

  private static final class Sums {
    private long pieces;
    private long tokens;
    private long textBytes;

    void add(StoredDocument document, long documentTokens, long start, long end) {
      pieces++;
      tokens += end - start + 1;
      textBytes += bytes(document, documentTokens, end) - bytes(document, documentTokens, start);
    }

    Part part() {
      return new Part(pieces, tokens, textBytes);
    }

    private static long bytes(StoredDocument document, long documentTokens, long end) {
      return document.textBytes() * end / documentTokens; // both are below 2^31
    }
  }
}
