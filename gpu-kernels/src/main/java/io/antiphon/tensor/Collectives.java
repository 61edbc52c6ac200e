package io.antiphon.tensor;

/**
 * Communication among the ranks of one group, enqueued on one lane. All ranks of the group call the
 * same methods in the same order. Reductions add in rank order, so results have the same bits on
 * every rank and run. No method returns a value.
 */
public interface Collectives {
  /** This rank's position in the group. Known on the host from the start. */
  int rank();

  /** Size of the group. Known on the host from the start. */
  int ranks();

  /** Writes {@code out [ranks, ...]} with every rank's {@code in}, rank by rank. */
  void allGather(Tensor in, Tensor out);

  /** Replaces {@code tensor} on every rank by the sum over the ranks, added in rank order. */
  void allReduceSum(Tensor tensor);

  /** Replaces an integer {@code tensor} on every rank by the element-wise maximum. */
  void allReduceMax(Tensor tensor);

  /**
   * Sends token rows to their destination rows: row {@code rows.destinationRow[t, i]} of rank
   * {@code rows.destinationRank[t, i]} becomes {@code x[t]}. Assignments with destination -1 are
   * left out.
   *
   * @param x {@code [tokens, width]}, read
   * @param out {@code [rowCapacity, width]} of the receiving rank; only addressed rows are written
   */
  void dispatch(Tensor x, RowTensors rows, Tensor out);

  /**
   * Sends one number per assignment to its destination row: {@code [tokens, topK]} to {@code
   * [rowCapacity]}.
   */
  void dispatchScalars(Tensor x, RowTensors rows, Tensor out);

  /**
   * Fetches back: {@code y[t]} becomes the sum over i, ascending, of the rows that {@link
   * #dispatch} of the same {@code rows} addressed; assignments with destination -1 count as zero.
   *
   * @param x {@code [rowCapacity, width]}, read
   * @param y {@code [tokens, width]}, written
   */
  void combine(Tensor x, RowTensors rows, Tensor y);

  /** Fetches back one number per assignment: {@code [rowCapacity]} to {@code [tokens, topK]}. */
  void combineScalars(Tensor x, RowTensors rows, Tensor y);

  /**
   * Sends the weights of cloned experts to the slots that hold them; unused slots keep what they
   * had.
   *
   * @param home {@code [localExperts, ...]}, read
   * @param slotHome I32 {@code [slots]}, read: expert to send to each slot of the group, -1 for
   *     none
   * @param slots {@code [slotsPerRank, ...]}, written
   */
  void dispatchWeights(Tensor home, Tensor slotHome, Tensor slots);

  /**
   * Adds the gradients of all clones to their home experts, slots in ascending order, exactly once.
   *
   * @param slots {@code [slotsPerRank, ...]}, read
   * @param slotHome I32 {@code [slots]}, read: home expert of each slot of the group, -1 if unused
   * @param home {@code [localExperts, ...]}, added
   */
  void reduceSlotGradients(Tensor slots, Tensor slotHome, Tensor home);
}
