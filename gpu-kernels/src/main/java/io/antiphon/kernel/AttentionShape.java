package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.tensor.Tensor;

/**
 * Sizes of one attention.
 *
 * @param sequences sequences of the micro-batch
 * @param sequenceLength tokens of a sequence
 * @param heads heads of queries
 * @param keyValueHeads heads of keys and values
 * @param headDim elements of a head
 */
record AttentionShape(
    int sequences, int sequenceLength, int heads, int keyValueHeads, int headDim) {

  static AttentionShape of(Tensor q, Tensor k, int sequenceLength) {
    return new AttentionShape(
        q.extent(0) / sequenceLength, sequenceLength, q.extent(1), k.extent(1), q.extent(2));
  }

  long tokens() {
    return (long) sequences * sequenceLength;
  }

  /** Rows of queries: tokens times heads. */
  long rows() {
    return tokens() * heads;
  }

  /** Factor of the product of a query and a key. */
  float scale() {
    return (float) (1 / Math.sqrt(headDim));
  }

  /** Blocks for {@code rows} tokens of one head each; {@code ofHeads} heads. */
  Grid grid(int ofHeads, int rows, int threads) {
    long blocks = (sequenceLength + rows - 1L) / rows;
    return Grid.of(Math.multiplyExact(Math.multiplyExact(blocks, sequences), ofHeads), threads);
  }

  /** Adds the sizes that every kernel takes, in its order. */
  Arguments addTo(Arguments arguments) {
    return arguments.i32(sequences).i32(sequenceLength).i32(heads).i32(keyValueHeads);
  }
}
