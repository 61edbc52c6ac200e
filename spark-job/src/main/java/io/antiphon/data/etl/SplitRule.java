package io.antiphon.data.etl;

import io.antiphon.data.Mix64;
import io.antiphon.data.Split;
import java.io.Serializable;

/**
 * What goes to which split, by hash.
 *
 * <p>A unit is assigned as a whole: a document or, when documents are too few or too long for the
 * wanted fraction, a chunk of a fixed number of sequences of one. The hash is of the seed, the
 * document's key and the chunk's index, so that equal texts go to the same split, and no chunk is
 * in both. Neighbouring chunks of a document that go to the same split stay one piece.
 *
 * @param chunkSequences sequences per chunk; 0 for whole documents
 * @param sequenceLength L
 * @param fraction of the units for validation
 * @param seed of the run
 */
record SplitRule(int chunkSequences, int sequenceLength, double fraction, long seed)
    implements Serializable {

  /** Receives pieces in order: tokens {@code [start, end)} of a document go to a split. */
  interface Pieces {
    void piece(Split split, long start, long end);
  }

  /** Splits a document of {@code tokens}; one that has none has no pieces. */
  void split(StoredDocument document, long tokens, Pieces pieces) {
    if (tokens == 0) {
      return;
    }
    long documentHash = Mix64.of(seed, document.high(), document.low());
    long chunk = chunkTokens(tokens);
    long start = 0;
    Split of = split(documentHash, 0);
    for (long at = chunk; at < tokens; at += chunk) {
      Split next = split(documentHash, at / chunk);
      if (next != of) {
        pieces.piece(of, start, at);
        start = at;
        of = next;
      }
    }
    pieces.piece(of, start, tokens);
  }

  String inWords() {
    String unit =
        chunkSequences == 0
            ? "whole documents"
            : "chunks of " + chunkSequences + " * " + sequenceLength + " tokens";
    return unit + " by hash, " + fraction + " of them for validation";
  }

  private long chunkTokens(long tokens) {
    return chunkSequences == 0 ? tokens : (long) chunkSequences * sequenceLength;
  }

  private Split split(long documentHash, long chunk) {
    boolean validation = Mix64.unit(Mix64.of(documentHash, chunk)) < fraction;
    return validation ? Split.VALIDATION : Split.TRAIN;
  }
}
