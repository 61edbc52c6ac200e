package io.antiphon.train.report;

/**
 * Follows a run on the driver. One thread calls at a time, in the order of the run: {@link
 * #started} once per attempt, then steps in ascending order with evaluations and events between
 * them, and in the end {@link #finished} once.
 *
 * <p>A restart after a failure calls {@link #started} again; what was reported for later steps than
 * {@link RunInfo#resumedStep} is then void, and those steps come again.
 */
public interface RunListener extends RunReports {
  /**
   * The run is over.
   *
   * @param reason one line that says why, empty for {@link RunSummary.Outcome#COMPLETED}
   */
  void finished(RunSummary.Outcome outcome, String reason);
}
