package io.antiphon.train;

/**
 * The packed sequences of one split in one seeded global order, the same on every rank.
 *
 * <p>Positions are 0-based and count on through epochs: position {@code sequences()} is the first
 * of the second epoch. A source belongs to one thread at a time.
 */
public interface SequenceSource extends AutoCloseable {

  /**
   * Tokens a model reads of one sequence, L. A stored sequence has L + 1 tokens: inputs are {@code
   * [0, L)}, targets {@code [1, L + 1)}.
   */
  int sequenceLength();

  /** Sequences in one epoch. */
  long sequences();

  /** Distinct token ids; every token is in {@code [0, vocabulary)}. */
  int vocabulary();

  /** Id of the token that ends a document; a target whose input is this token does not count. */
  int endOfText();

  /**
   * Copies the L + 1 tokens of one sequence.
   *
   * @param position global position, at least 0
   * @param tokens written at {@code [offset, offset + L + 1)}
   * @param offset first index written
   */
  void read(long position, int[] tokens, int offset);

  @Override
  void close();
}
