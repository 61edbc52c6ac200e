package io.antiphon.tensor;

/** Element types a tensor may have. */
public enum DType {
  /** IEEE double; scalars such as the loss, and everything in the oracle backend. */
  F64(8, true),
  /** IEEE single; masters and gradients, and activations of the CPU backend. */
  F32(4, true),
  /** Brain float; activations and weights of an accelerator. */
  BF16(2, true),
  /** Token ids, expert indices, row indices, flags. */
  I32(4, false),
  /** Counters and totals. */
  I64(8, false);

  private final int bytes;
  private final boolean floating;

  DType(int bytes, boolean floating) {
    this.bytes = bytes;
    this.floating = floating;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements are floating-point numbers. */
  public boolean isFloating() {
    return floating;
  }
}
