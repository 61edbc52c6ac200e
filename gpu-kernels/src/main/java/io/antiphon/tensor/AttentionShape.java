package io.antiphon.tensor;

/**
 * Sizes of one attention.
 *
 * @param sequences sequences of the micro-batch
 * @param sequenceLength tokens of a sequence
 * @param heads heads of queries
 * @param keyValueHeads heads of keys and values
 * @param headDim elements of a head
 */
public record AttentionShape(
    int sequences, int sequenceLength, int heads, int keyValueHeads, int headDim) {

  /** Tokens of all sequences. */
  public long tokens() {
    return (long) sequences * sequenceLength;
  }

  /** Rows of queries: tokens times heads. */
  public long rows() {
    return tokens() * heads;
  }

  /** Factor of the product of a query and a key. */
  public double scale() {
    return 1 / Math.sqrt(headDim);
  }
}
