package io.antiphon.plan;

import java.util.Arrays;

/**
 * An approximate priority queue of experts: eight size classes from "at least the average" down,
 * each first in, first out.
 *
 * <p>An expert that comes back has less left than before, so it never goes to a class above the one
 * it came from; the search for the largest therefore only moves down.
 */
final class SpillBuckets {
  /** Answer of {@link #poll} when the queue is empty. */
  static final int NONE = -1;

  private static final int BUCKETS = 8;

  private final int[] head = new int[BUCKETS];
  private final int[] tail = new int[BUCKETS];
  private final int[] next;
  private int average;
  private int step;
  private int current;

  /** An empty queue of experts below {@code experts}, each in it at most once. */
  SpillBuckets(int experts) {
    this.next = new int[experts];
  }

  /** Empties the queue and sets the size classes. */
  void clear(int averageRankLoad) {
    average = averageRankLoad;
    step = Math.max(1, averageRankLoad / (BUCKETS - 1)); // an average below 7 would divide by zero
    current = 0;
    Arrays.fill(head, NONE);
  }

  /** Appends an expert to the class of what it has left; {@code spill} is at least 1. */
  void add(int expert, int spill) {
    int bucket = bucket(spill);
    next[expert] = NONE;
    if (head[bucket] == NONE) {
      head[bucket] = expert;
    } else {
      next[tail[bucket]] = expert;
    }
    tail[bucket] = expert;
  }

  /** Removes the first expert of the highest class that has one, or answers {@link #NONE}. */
  int poll() {
    while (current < BUCKETS && head[current] == NONE) {
      current++;
    }
    if (current == BUCKETS) {
      return NONE;
    }
    int expert = head[current];
    head[current] = next[expert];
    return expert;
  }

  private int bucket(int spill) {
    return spill >= average ? 0 : Math.min((average - spill) / step + 1, BUCKETS - 1);
  }
}
