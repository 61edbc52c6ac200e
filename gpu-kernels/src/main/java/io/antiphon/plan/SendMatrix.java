package io.antiphon.plan;

import java.util.Arrays;

/**
 * How many rows every rank sends to every physical expert, and where they lie on arrival.
 *
 * <p>Rows of a destination rank are ordered by local physical expert, then source rank, then token.
 * Each physical expert starts at a multiple of the alignment. Everything follows from counts and
 * plan, so every rank knows the whole matrix without asking. Keeps working memory: belongs to one
 * thread.
 */
public final class SendMatrix {
  private final PlanShape shape;
  private final int alignment;
  private final int[] rows;
  private final int[] firstRow;
  private final int[] expertRows;
  private final int[] expertStart;
  private final int[] rankRows;
  private final int[] cursor;

  /** A matrix whose rows have no padding. */
  public SendMatrix(PlanShape shape) {
    this(shape, 1);
  }

  /**
   * A matrix in which the rows of every physical expert are padded.
   *
   * @param alignment rows of a physical expert occupy a multiple of this many; at least 1
   */
  public SendMatrix(PlanShape shape, int alignment) {
    if (alignment < 1) {
      throw new IllegalArgumentException("alignment must be >= 1, was " + alignment);
    }
    this.shape = shape;
    this.alignment = alignment;
    this.rows = new int[shape.ranks() * shape.physicalExperts()];
    this.firstRow = new int[shape.ranks() * shape.physicalExperts()];
    this.expertRows = new int[shape.physicalExperts()];
    this.expertStart = new int[shape.physicalExperts()];
    this.rankRows = new int[shape.ranks()];
    this.cursor = new int[shape.physicalExperts()];
  }

  /**
   * Takes in a new plan.
   *
   * @param counts {@code [ranks, experts]}, read; what the plan was made from
   * @throws IllegalArgumentException if the plan moves more than the counts hold, or padding takes
   *     a rank beyond {@code 2^31 - 1} rows; the matrix is then undefined
   */
  public void fill(int[] counts, EchoPlan plan) {
    plan.requireShape(shape);
    shape.requireCounts(counts);
    fillRows(counts, plan);
    for (int rank = 0; rank < shape.ranks(); rank++) {
      layOut(rank);
    }
  }

  /** Rows that {@code sourceRank} sends to {@code physicalExpert}. */
  public int rows(int sourceRank, int physicalExpert) {
    return rows[index(sourceRank, physicalExpert)];
  }

  /** Where, on the rank of {@code physicalExpert}, the first of those rows lies. */
  public int firstRow(int sourceRank, int physicalExpert) {
    return firstRow[index(sourceRank, physicalExpert)];
  }

  /** Rows of {@code physicalExpert} from all ranks, without padding. */
  public int expertRows(int physicalExpert) {
    return expertRows[physicalExpert];
  }

  /** First row of {@code physicalExpert} on its rank. */
  public int expertStart(int physicalExpert) {
    return expertStart[physicalExpert];
  }

  /** Rows that {@code rank} has to hold, padding included. */
  public int rankRows(int rank) {
    return rankRows[rank];
  }

  /**
   * Writes the row of every assignment of one source rank, on the rank of its physical expert.
   *
   * @param physicalExperts {@code [tokens, topK]}, read; as {@link Reroute} wrote them
   * @param destinationRows {@code [tokens, topK]}, written
   * @throws IllegalArgumentException if there are more assignments to a physical expert than the
   *     counts say; {@code destinationRows} is then undefined
   */
  public void destinationRows(int sourceRank, int[] physicalExperts, int[] destinationRows) {
    if (destinationRows.length != physicalExperts.length) {
      throw new IllegalArgumentException(
          "destinationRows must have "
              + physicalExperts.length
              + " entries, had "
              + destinationRows.length);
    }
    Arrays.fill(cursor, 0);
    int first = index(sourceRank, 0);
    for (int assignment = 0; assignment < physicalExperts.length; assignment++) {
      int physicalExpert = physicalExperts[assignment];
      int position = cursor[physicalExpert]++;
      if (position >= rows[first + physicalExpert]) {
        throw new IllegalArgumentException(
            "rank "
                + sourceRank
                + " has more than the "
                + rows[first + physicalExpert]
                + " assignments to physical expert "
                + physicalExpert
                + " that its counts and plan say");
      }
      destinationRows[assignment] = firstRow[first + physicalExpert] + position;
    }
  }

  private int index(int sourceRank, int physicalExpert) {
    return sourceRank * shape.physicalExperts() + physicalExpert;
  }

  private void fillRows(int[] counts, EchoPlan plan) {
    for (int rank = 0; rank < shape.ranks(); rank++) {
      for (int expert = 0; expert < shape.experts(); expert++) {
        rows[index(rank, shape.physicalHome(expert))] = counts[rank * shape.experts() + expert];
      }
      for (int slot = 0; slot < shape.slots(); slot++) {
        int home = plan.slotHome()[slot];
        int moved = home == EchoPlan.UNUSED ? 0 : plan.toSlot()[rank * shape.slots() + slot];
        rows[index(rank, shape.physicalSlot(slot))] = moved;
        if (moved > 0) {
          takeFromHome(rank, home, moved);
        }
      }
    }
  }

  private void takeFromHome(int rank, int home, int moved) {
    int index = index(rank, shape.physicalHome(home));
    if (rows[index] < moved) {
      throw new IllegalArgumentException(
          "the plan moves "
              + moved
              + " assignments of expert "
              + home
              + " from rank "
              + rank
              + ", which has "
              + rows[index]
              + " left; it was made from other counts");
    }
    rows[index] -= moved;
  }

  private void layOut(int rank) {
    int localPhysicalExperts = shape.localPhysicalExperts();
    long next = 0;
    for (int local = 0; local < localPhysicalExperts; local++) {
      int physicalExpert = rank * localPhysicalExperts + local;
      expertStart[physicalExpert] = requireRows(rank, next);
      for (int source = 0; source < shape.ranks(); source++) {
        int index = index(source, physicalExpert);
        firstRow[index] = (int) next; // within the requirement below
        next += rows[index];
      }
      expertRows[physicalExpert] = (int) (next - expertStart[physicalExpert]);
      next = (next + alignment - 1) / alignment * alignment;
    }
    rankRows[rank] = requireRows(rank, next);
  }

  private int requireRows(int rank, long needed) {
    if (needed > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "rank "
              + rank
              + " needs "
              + needed
              + " rows, padded to multiples of "
              + alignment
              + " per expert; the limit is "
              + Integer.MAX_VALUE
              + ". Lower the alignment or the tokens per micro-batch.");
    }
    return (int) needed;
  }
}
