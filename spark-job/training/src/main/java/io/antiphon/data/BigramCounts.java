package io.antiphon.data;

import java.util.Arrays;

/**
 * How often each token follows each other one, exactly: a table for small vocabularies, a hash
 * table of the pairs that occur for larger ones.
 */
final class BigramCounts {
  /** Largest vocabulary that gets a table: 64 MiB of counts. */
  static final int MAX_TABLE_VOCABULARY = 4096;

  private static final int FIRST_CAPACITY = 1 << 12;
  private static final long FREE = -1;

  private final int vocabulary;
  private final boolean table;
  private long[] keys;
  private int[] counts;
  private int used;

  BigramCounts(int vocabulary) {
    this(vocabulary, vocabulary <= MAX_TABLE_VOCABULARY);
  }

  BigramCounts(int vocabulary, boolean table) {
    this.vocabulary = vocabulary;
    this.table = table;
    this.keys = new long[table ? 0 : FIRST_CAPACITY];
    this.counts = new int[table ? vocabulary * vocabulary : FIRST_CAPACITY];
    Arrays.fill(keys, FREE);
  }

  /** Receives a pair and its count, above 0. */
  interface Pairs {
    void pair(int first, int second, int count);
  }

  void add(int first, int second) {
    if (table) {
      counts[first * vocabulary + second]++;
      return;
    }
    long key = key(first, second);
    int slot = slot(key);
    if (keys[slot] == FREE) {
      keys[slot] = key;
      used++;
    }
    counts[slot]++;
    if (used > keys.length / 2) {
      grow();
    }
  }

  int count(int first, int second) {
    return counts[table ? first * vocabulary + second : slot(key(first, second))];
  }

  void forEach(Pairs pairs) {
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] > 0) {
        long key = table ? i : keys[i];
        pairs.pair((int) (key / vocabulary), (int) (key % vocabulary), counts[i]);
      }
    }
  }

  private long key(int first, int second) {
    return (long) first * vocabulary + second;
  }

  private int slot(long key) {
    int mask = keys.length - 1;
    int slot = (int) Mix64.of(key, 0) & mask;
    while (keys[slot] != FREE && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldCounts = counts;
    keys = new long[Math.multiplyExact(oldKeys.length, 2)];
    counts = new int[keys.length];
    Arrays.fill(keys, FREE);
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldKeys[i] != FREE) {
        int slot = slot(oldKeys[i]);
        keys[slot] = oldKeys[i];
        counts[slot] = oldCounts[i];
      }
    }
  }
}
