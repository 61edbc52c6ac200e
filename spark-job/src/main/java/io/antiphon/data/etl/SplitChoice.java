package io.antiphon.data.etl;

import io.antiphon.data.DataRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses what is assigned to a split as a whole.
 *
 * <p>Whole documents if they hit the wanted fraction; otherwise chunks of 64, then 8 sequences,
 * then of one; and if even then validation would be empty, the fraction is doubled up to one half.
 * The first rule that works is taken. Whether it does depends on the documents alone, so that the
 * choice is the same however they are partitioned.
 */
final class SplitChoice {
  private static final int[] CHUNK_SEQUENCES = {0, 64, 8, 1}; // 0: whole documents
  private static final int MIN_VALIDATION_PIECES = 4;
  private static final double TOLERANCE = 2;
  private static final double MAX_FRACTION = 0.5;

  private SplitChoice() {}

  static List<SplitRule> candidates(DataRequest request) {
    List<SplitRule> rules = new ArrayList<>();
    double fraction = request.validationFraction();
    for (int chunk : CHUNK_SEQUENCES) {
      rules.add(new SplitRule(chunk, request.sequenceLength(), fraction, request.seed()));
      if (fraction == 0) {
        return rules;
      }
    }
    while (fraction < MAX_FRACTION) {
      fraction = Math.min(2 * fraction, MAX_FRACTION);
      rules.add(new SplitRule(1, request.sequenceLength(), fraction, request.seed()));
    }
    return rules;
  }

  /** Index of the first rule that works; the last one if none does. */
  static int choose(List<SplitRule> rules, List<SplitCounts> counts) {
    for (int i = 0; i < rules.size(); i++) {
      if (works(rules.get(i), counts.get(i))) {
        return i;
      }
    }
    return rules.size() - 1;
  }

  private static boolean works(SplitRule rule, SplitCounts counts) {
    if (counts.train().sequences(rule.sequenceLength()) < 1) {
      return false;
    }
    if (rule.fraction() == 0) {
      return true;
    }
    if (counts.validation().sequences(rule.sequenceLength()) < 1) {
      return false;
    }
    if (rule.chunkSequences() == 1) {
      return true;
    }
    double all = (double) counts.train().tokens() + counts.validation().tokens();
    double wanted = rule.fraction() * all;
    long tokens = counts.validation().tokens();
    return counts.validation().pieces() >= MIN_VALIDATION_PIECES
        && tokens >= wanted / TOLERANCE
        && tokens <= wanted * TOLERANCE;
  }
}
