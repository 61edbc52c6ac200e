package io.antiphon.train.report;

/**
 * Something a reader of the run's history wants to see marked.
 *
 * @param kind what happened
 * @param step updates done when it happened
 * @param message one line for the user; may be empty where the kind says it all
 */
public record RunEvent(Kind kind, long step, String message) implements RunReport {

  /** What can happen to a run besides a step. */
  public enum Kind {
    /** A checkpoint of {@code step} was committed. */
    CHECKPOINT,
    /** A step had more rows than the buffers held; it ran again with more capacity. */
    RERUN,
    /** The run failed and continues from {@code step}; sent after {@link RunListener#started}. */
    RESTART,
    /** A gradient was not finite, so the update was skipped. */
    SKIPPED_UPDATE,
    /** The user stopped the run. */
    INTERRUPTED,
    /** Anything else the user should know. */
    WARNING
  }

  public RunEvent {
    if (step < 0) {
      throw new IllegalArgumentException("step of an event must be >= 0, was " + step);
    }
  }

  @Override
  public void deliver(RunReports to) {
    to.event(this);
  }
}
