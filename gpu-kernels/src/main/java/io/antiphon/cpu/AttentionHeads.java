package io.antiphon.cpu;

import io.antiphon.tensor.AttentionShape;
import io.antiphon.tensor.AttentionTensors;

/**
 * Extents of an attention and how its work is cut: a block is some consecutive query tokens of one
 * sequence and one head, with the key tokens that any of them can see.
 */
final class AttentionHeads {
  /** Query tokens of a block. */
  static final int BLOCK_QUERIES = 64;

  final int tokens;
  final int sequenceLength;
  final int heads;
  final int headDim;

  /** Heads that read the same key-value head. */
  final int headsPerGroup;

  /** Elements from one token to the next in queries and outputs. */
  final int queryWidth;

  /** Elements from one token to the next in keys and values. */
  final int keyWidth;

  final float scale;
  private final int[] documentStarts;
  private final int firstStart;

  AttentionHeads(AttentionTensors tensors) {
    AttentionShape shape = tensors.shape();
    this.tokens = tensors.q().extent(0);
    this.sequenceLength = shape.sequenceLength();
    this.heads = shape.heads();
    this.headDim = shape.headDim();
    this.headsPerGroup = heads / shape.keyValueHeads();
    this.queryWidth = heads * headDim;
    this.keyWidth = shape.keyValueHeads() * headDim;
    this.scale = (float) shape.scale();
    this.documentStarts = CpuMemory.ints(tensors.documentStarts());
    this.firstStart = CpuMemory.offset(tensors.documentStarts());
  }

  /** Elements of the largest block of scores. */
  int blockElements() {
    return Math.min(BLOCK_QUERIES, sequenceLength) * sequenceLength;
  }

  /** First token of the document of {@code token}, counted through all sequences. */
  int documentStart(int token) {
    return token - token % sequenceLength + documentStarts[firstStart + token];
  }

  /** Query tokens of the block that begins at {@code first}. */
  int blockQueries(int first) {
    return Math.min(BLOCK_QUERIES, sequenceLength - first % sequenceLength);
  }

  /** Element of queries and outputs at which a token's head begins. */
  int query(int token, int head) {
    return token * queryWidth + head * headDim;
  }

  /** Element of keys and values at which the key-value head that {@code head} reads begins. */
  int key(int token, int head) {
    return token * keyWidth + head / headsPerGroup * headDim;
  }

  /**
   * Subtracts a number per row from the scores of a block, and hides those that its queries must
   * not see behind negative infinity.
   *
   * @param first first query token; the row of the token after it is the next
   * @param firstKey key token of the first column
   */
  void shiftAndHide(
      float[] scores, int first, int queries, int firstKey, float[] subtrahend, int columns) {
    for (int row = 0; row < queries; row++) {
      int from = row * columns;
      int seen = documentStart(first + row) - firstKey;
      int end = first + row + 1 - firstKey;
      java.util.Arrays.fill(scores, from, from + seen, Float.NEGATIVE_INFINITY);
      F32Vectors.subtract(scores, from + seen, subtrahend[row], end - seen);
      java.util.Arrays.fill(scores, from + end, from + columns, Float.NEGATIVE_INFINITY);
    }
  }
}
