package io.antiphon.data;

/** Well-mixed 64-bit hashes of a few numbers: the finalizer of SplitMix64, chained. */
public final class Mix64 {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private Mix64() {}

  /** Hash of two numbers in this order. */
  public static long of(long first, long second) {
    return finish(finish(first + GOLDEN) ^ (second + GOLDEN));
  }

  /** Hash of three numbers in this order. */
  public static long of(long first, long second, long third) {
    return of(of(first, second), third);
  }

  /** Maps a hash to {@code [0, 1)}, in steps of 2^-53. */
  public static double unit(long hash) {
    return (hash >>> 11) * 0x1.0p-53;
  }

  private static long finish(long value) {
    long mixed = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
