package io.antiphon.plan;

/**
 * A value and its index as one {@code long}, so that a plain sort of primitives orders by value and
 * breaks ties by the lowest index, without a comparator and whatever algorithm sorts.
 */
final class SortKey {
  private static final int INDEX_BITS = 32;

  private SortKey() {}

  /** Sorts small values first; {@code value} and {@code index} are at least 0. */
  static long ascending(int value, int index) {
    return (long) value << INDEX_BITS | index;
  }

  /** Sorts large values first; {@code value} and {@code index} are at least 0. */
  static long descending(int value, int index) {
    return ascending(Integer.MAX_VALUE - value, index);
  }

  static int index(long key) {
    return (int) key;
  }

  static int ascendingValue(long key) {
    return (int) (key >>> INDEX_BITS);
  }

  static int descendingValue(long key) {
    return Integer.MAX_VALUE - ascendingValue(key);
  }
}
