package io.antiphon.tensor;

/**
 * What the backward of an attention reads and writes beside the tensors of its forward.
 *
 * @param dOut real {@code [tokens, heads, headDim]}, read
 * @param dQ real {@code [tokens, heads, headDim]}, written
 * @param dK real {@code [tokens, keyValueHeads, headDim]}, written
 * @param dV as dK
 */
public record AttentionGradients(Tensor dOut, Tensor dQ, Tensor dK, Tensor dV) {}
