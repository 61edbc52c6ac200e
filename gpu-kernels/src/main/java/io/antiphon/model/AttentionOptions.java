package io.antiphon.model;

/**
 * Attention of every block.
 *
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides heads
 * @param headDim width of a head; even
 * @param ropeTheta base of the rotary embedding's wavelengths
 */
public record AttentionOptions(int heads, int keyValueHeads, int headDim, double ropeTheta) {
  /** Width of all query heads. */
  long queryWidth() {
    return (long) heads * headDim;
  }

  /** Width of all key heads, and of all value heads. */
  long keyWidth() {
    return (long) keyValueHeads * headDim;
  }
}
