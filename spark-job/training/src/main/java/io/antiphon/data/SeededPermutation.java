package io.antiphon.data;

/**
 * A pseudo-random permutation of {@code [0, size)} in constant memory: a Feistel network over the
 * next power of four, walked until the value falls into the range (four steps at most on average).
 */
public final class SeededPermutation {
  /** Most numbers that are permuted. */
  public static final long MAX_SIZE = 1L << 60;

  private static final int ROUNDS = 6;

  private final long size;
  private final long seed;
  private final int halfBits;
  private final long mask;

  /**
   * Makes a permutation; equal size and seed give equal ones.
   *
   * @param size in {@code [1, 2^60]}
   */
  public SeededPermutation(long size, long seed) {
    if (size < 1 || size > MAX_SIZE) {
      throw new IllegalArgumentException("size must be in [1, 2^60], was " + size);
    }
    this.size = size;
    this.seed = seed;
    int bits = Math.max(2, 64 - Long.numberOfLeadingZeros(size - 1));
    this.halfBits = (bits + 1) / 2;
    this.mask = (1L << halfBits) - 1;
  }

  /**
   * What {@code index} is mapped to.
   *
   * @throws IllegalArgumentException unless it is in {@code [0, size)}
   */
  public long apply(long index) {
    long value = requireInRange(index);
    do {
      long left = value >>> halfBits;
      long right = value & mask;
      for (int round = 0; round < ROUNDS; round++) {
        long next = left ^ keyed(round, right);
        left = right;
        right = next;
      }
      value = left << halfBits | right;
    } while (value >= size);
    return value;
  }

  /** The index that {@link #apply} maps to {@code image}. */
  public long invert(long image) {
    long value = requireInRange(image);
    do {
      long left = value >>> halfBits;
      long right = value & mask;
      for (int round = ROUNDS - 1; round >= 0; round--) {
        long previous = right ^ keyed(round, left);
        right = left;
        left = previous;
      }
      value = left << halfBits | right;
    } while (value >= size);
    return value;
  }

  private long keyed(int round, long half) {
    return Mix64.of(seed, round, half) & mask;
  }

  private long requireInRange(long value) {
    if (value < 0 || value >= size) {
      throw new IllegalArgumentException(value + " is not in [0, " + size + ")");
    }
    return value;
  }
}
