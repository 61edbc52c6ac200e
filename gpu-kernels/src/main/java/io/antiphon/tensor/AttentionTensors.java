package io.antiphon.tensor;

/**
 * What {@link Ops#attention} reads and writes.
 *
 * @param q real {@code [tokens, heads, headDim]}, read
 * @param k real {@code [tokens, keyValueHeads, headDim]}, read
 * @param v as k
 * @param documentStarts as {@link Ops#prepareBatch} writes it
 * @param sequenceLength tokens of a sequence
 * @param out real {@code [tokens, heads, headDim]}, written
 * @param logSumExp master type {@code [tokens, heads]}, written: for the backward
 */
public record AttentionTensors(
    Tensor q,
    Tensor k,
    Tensor v,
    Tensor documentStarts,
    int sequenceLength,
    Tensor out,
    Tensor logSumExp) {

  /** Sizes of tensors that have been checked. */
  public AttentionShape shape() {
    return new AttentionShape(
        q.extent(0) / sequenceLength, sequenceLength, q.extent(1), k.extent(1), q.extent(2));
  }
}
