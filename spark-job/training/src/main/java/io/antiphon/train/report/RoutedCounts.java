package io.antiphon.train.report;

/**
 * How one layer routed the tokens of one committed step, in one expert-parallel group.
 *
 * @param step 1-based, as in {@link StepMetrics}
 * @param layer transformer layer, 0-based
 * @param group position of the expert-parallel group
 * @param ranks ranks of the group
 * @param experts logical experts
 * @param counts {@code [microBatches][ranks * experts]}, assignments of each rank to each expert;
 *     owned by this record
 */
@SuppressWarnings("ArrayRecordComponent") // written once and read once
public record RoutedCounts(long step, int layer, int group, int ranks, int experts, int[][] counts)
    implements RunReport {
  @Override
  public void deliver(RunReports to) {
    to.routed(this);
  }
}
