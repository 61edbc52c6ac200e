package io.antiphon.trace;

import java.util.Arrays;

/**
 * A count matrix while it is read, row by row. Every problem is an exception that names rank,
 * expert and limit; the reader adds file and line.
 */
public final class CountMatrix {
  /**
   * Most counts of one matrix: 1,024 ranks x 4,096 experts. Bounds the memory of a hostile file.
   */
  public static final int MAX_ENTRIES = 1 << 22;

  private int[] entries;
  private int size;
  private int ranks;
  private int experts;
  private int rowLength;
  private long total;

  /** An empty matrix, to be filled row by row. */
  CountMatrix() {
    this(1024);
  }

  private CountMatrix(int entries) {
    this.entries = new int[entries];
  }

  /**
   * The matrix of counts that lie row by row in one array.
   *
   * @param counts {@code [ranks, experts]}, read
   * @throws TraceException if they are no counts of a group of that size
   */
  public static CountMatrix of(int ranks, int experts, int[] counts) {
    if (ranks < 1 || experts < 1 || (long) ranks * experts != counts.length) {
      throw bad(
          "%d ranks x %d experts do not fit %d counts. Give every rank one count per expert."
              .formatted(ranks, experts, counts.length));
    }
    CountMatrix matrix = new CountMatrix(Math.min(counts.length, MAX_ENTRIES));
    for (int i = 0; i < counts.length; i++) {
      matrix.add(counts[i]);
      if ((i + 1) % experts == 0) {
        matrix.endRow();
      }
    }
    matrix.end();
    return matrix;
  }

  /** Appends the count of the next expert of the current rank. */
  void add(long count) {
    if (count < 0 || count > Integer.MAX_VALUE) {
      throw bad(
          position() + ": count " + count + " is outside [0, 2147483647]. Correct the count.");
    }
    if (size == MAX_ENTRIES) {
      throw bad(
          "the matrix has more than "
              + MAX_ENTRIES
              + " counts (1024 ranks x 4096 experts). Plan a smaller group.");
    }
    if (size == entries.length) {
      entries = Arrays.copyOf(entries, Math.min(2 * size, MAX_ENTRIES));
    }
    entries[size++] = (int) count;
    rowLength++;
    total += count;
  }

  /** Ends the row of the current rank. */
  void endRow() {
    if (rowLength == 0) {
      throw bad("rank " + ranks + " has no counts. Give every rank one count per expert.");
    }
    if (ranks == 0) {
      experts = rowLength;
    } else if (rowLength != experts) {
      throw bad(
          "rank "
              + ranks
              + " has "
              + rowLength
              + " counts, rank 0 has "
              + experts
              + ". Give every rank one count per expert.");
    }
    ranks++;
    rowLength = 0;
  }

  /** Ends the matrix and checks it as a whole. */
  void end() {
    if (ranks == 0) {
      throw bad("\"counts\" has no rows. Give one row per rank.");
    }
    if (experts % ranks != 0) {
      throw bad(
          experts
              + " experts cannot be shared evenly by "
              + ranks
              + " ranks. Give each row (one per source rank) a multiple of "
              + ranks
              + " counts.");
    }
    if (total > Integer.MAX_VALUE) {
      throw bad(
          "the counts sum to "
              + total
              + " assignments; one plan covers at most "
              + Integer.MAX_VALUE
              + ". Count the tokens of one micro-batch only.");
    }
  }

  /** Source ranks, which are the ranks of the group. */
  public int ranks() {
    return ranks;
  }

  /** Home experts of the group; a multiple of the ranks. */
  public int experts() {
    return experts;
  }

  /** {@code [ranks, experts]}: the counts, one row per source rank; a new array. */
  public int[] toArray() {
    return Arrays.copyOf(entries, size);
  }

  /** Rank and expert of the count that comes next, for messages. */
  String position() {
    return "rank " + ranks + ", expert " + rowLength;
  }

  private static TraceException bad(String message) {
    return new TraceException(message);
  }
}
