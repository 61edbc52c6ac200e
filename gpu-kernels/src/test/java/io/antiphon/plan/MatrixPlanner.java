package io.antiphon.plan;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/**
 * Both variants once more, slowly, with the dense matrices of docs/echo.md 2.1 to 2.6: sorts with
 * comparators, cumulative sums, interval overlaps, an {@code [experts, slots]} assignment.
 */
final class MatrixPlanner {
  private final PlanShape shape;
  private final long[][] counts;
  private final long[] load;
  private final long[] rankLoad;
  private final long average;
  private final long[] spare;
  private final long[] spill;
  private final List<Integer> expertOrder;
  private final List<Integer> rankOrder;

  MatrixPlanner(PlanShape shape, int[] flatCounts) {
    this.shape = shape;
    this.counts = new long[shape.ranks()][shape.experts()];
    this.load = new long[shape.experts()];
    this.rankLoad = new long[shape.ranks()];
    for (int i = 0; i < flatCounts.length; i++) {
      int expert = i % shape.experts();
      counts[i / shape.experts()][expert] = flatCounts[i];
      load[expert] += flatCounts[i];
      rankLoad[expert / shape.localExperts()] += flatCounts[i];
    }
    this.average = LongMath.sum(rankLoad) / shape.ranks();
    this.spare = new long[shape.ranks()];
    for (int rank = 0; rank < shape.ranks(); rank++) {
      spare[rank] = Math.max(average - rankLoad[rank], 0);
    }
    this.spill = spillPerExpert();
    this.expertOrder = stableOrder(spill.length, expert -> -spill[expert]);
    this.rankOrder = stableOrder(spare.length, rank -> -spare[rank]);
  }

  /** Variant A. */
  EchoPlan oneShot() {
    long[] sortedSpill = expertOrder.stream().mapToLong(expert -> spill[expert]).toArray();
    long[] sortedSpare = rankOrder.stream().mapToLong(rank -> spare[rank]).toArray();
    long[][] overlap = overlap(sortedSpill, sortedSpare);
    long[][] assign = new long[shape.experts()][shape.slots()];
    for (int column = 0; column < shape.ranks(); column++) {
      int j = column;
      List<Integer> bySize = stableOrder(shape.experts(), row -> -overlap[row][j]);
      for (int kept = 0; kept < shape.slotsPerRank(); kept++) {
        int row = bySize.get(kept);
        int slot = rankOrder.get(j) * shape.slotsPerRank() + kept;
        assign[expertOrder.get(row)][slot] = overlap[row][j];
      }
    }
    return split(assign);
  }

  /** Variant B. */
  EchoPlan binPacking() {
    long step = Math.max(average / 7, 1);
    List<Deque<Integer>> buckets = new ArrayList<>();
    for (int bucket = 0; bucket < 8; bucket++) {
      buckets.add(new ArrayDeque<>());
    }
    long[] left = spill.clone();
    for (int expert : expertOrder) {
      if (left[expert] > 0) {
        buckets.get(bucket(left[expert], step)).addLast(expert);
      }
    }
    long[][] assign = new long[shape.experts()][shape.slots()];
    for (int rank : rankOrder) {
      Deque<Integer> fullest =
          buckets.stream().filter(bucket -> !bucket.isEmpty()).findFirst().orElse(null);
      if (spare[rank] <= 0 || fullest == null) {
        break;
      }
      int expert = fullest.removeFirst();
      long placed = Math.min(left[expert], spare[rank]);
      assign[expert][rank] = placed;
      left[expert] -= placed;
      if (left[expert] > 0) {
        buckets.get(bucket(left[expert], step)).addLast(expert);
      }
    }
    return split(assign);
  }

  private int bucket(long spilled, long step) {
    return spilled >= average ? 0 : (int) Math.min((average - spilled) / step + 1, 7);
  }

  private long[] spillPerExpert() {
    long[] result = new long[shape.experts()];
    int localExperts = shape.localExperts();
    for (int rank = 0; rank < shape.ranks(); rank++) {
      int first = rank * localExperts;
      List<Integer> ascending = stableOrder(localExperts, local -> load[first + local]);
      long running = 0;
      long clampedBefore = 0;
      for (int local : ascending) {
        running += load[first + local];
        long clamped = Math.max(running - average, 0);
        result[first + local] = clamped - clampedBefore;
        clampedBefore = clamped;
      }
    }
    return result;
  }

  private EchoPlan split(long[][] assign) {
    int ranks = shape.ranks();
    int slots = shape.slots();
    long[][] first = new long[ranks][slots];
    int[] home = new int[slots];
    int[] quota = new int[slots];
    for (int slot = 0; slot < slots; slot++) {
      home[slot] = -1;
      for (int expert = 0; expert < shape.experts(); expert++) {
        if (assign[expert][slot] > 0) {
          home[slot] = expert;
          quota[slot] = Math.toIntExact(assign[expert][slot]);
        }
      }
      for (int rank = 0; rank < ranks && home[slot] >= 0; rank++) {
        first[rank][slot] =
            BigInteger.valueOf(counts[rank][home[slot]])
                .multiply(BigInteger.valueOf(quota[slot]))
                .divide(BigInteger.valueOf(load[home[slot]]))
                .longValueExact();
      }
    }
    long[][] second = depthFirst(first, home, quota);
    int[] toSlot = new int[ranks * slots];
    for (int rank = 0; rank < ranks; rank++) {
      for (int slot = 0; slot < slots; slot++) {
        toSlot[rank * slots + slot] = Math.toIntExact(first[rank][slot] + second[rank][slot]);
      }
    }
    return EchoPlan.of(shape, home, quota, toSlot);
  }

  private long[][] depthFirst(long[][] first, int[] home, int[] quota) {
    long[][] second = new long[shape.ranks()][shape.slots()];
    for (int expert = 0; expert < shape.experts(); expert++) {
      long[] restOfTokens = new long[shape.ranks()];
      long[] restOfQuota = new long[shape.slots()];
      for (int rank = 0; rank < shape.ranks(); rank++) {
        restOfTokens[rank] = counts[rank][expert];
      }
      for (int slot = 0; slot < shape.slots(); slot++) {
        if (home[slot] == expert) {
          restOfQuota[slot] = quota[slot];
          for (int rank = 0; rank < shape.ranks(); rank++) {
            restOfTokens[rank] -= first[rank][slot];
            restOfQuota[slot] -= first[rank][slot];
          }
        }
      }
      long[][] taken = overlap(restOfTokens, restOfQuota);
      for (int rank = 0; rank < shape.ranks(); rank++) {
        for (int slot = 0; slot < shape.slots(); slot++) {
          second[rank][slot] += taken[rank][slot];
        }
      }
    }
    return second;
  }

  /** Both lists laid end to end on one line: how much of each pair coincides. */
  private static long[][] overlap(long[] rows, long[] columns) {
    long[] rowEnd = LongMath.cumulative(rows);
    long[] columnEnd = LongMath.cumulative(columns);
    long[][] result = new long[rows.length][columns.length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < columns.length; j++) {
        long end = Math.min(rowEnd[i], columnEnd[j]);
        long start = Math.max(rowEnd[i] - rows[i], columnEnd[j] - columns[j]);
        result[i][j] = Math.max(0, end - start);
      }
    }
    return result;
  }

  private static List<Integer> stableOrder(int length, ToLongFunction<Integer> key) {
    return IntStream.range(0, length)
        .boxed()
        .sorted(Comparator.comparingLong(key)) // stable for ordered streams
        .toList();
  }

  /** Sums of whole arrays. */
  private static final class LongMath {
    static long sum(long[] values) {
      long sum = 0;
      for (long value : values) {
        sum += value;
      }
      return sum;
    }

    static long[] cumulative(long[] values) {
      long[] result = values.clone();
      for (int i = 1; i < result.length; i++) {
        result[i] += result[i - 1];
      }
      return result;
    }
  }
}
