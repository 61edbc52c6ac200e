package io.antiphon.train;

/** Opens a rank's stream of batches at a step. */
@FunctionalInterface
public interface BatchOpener {
  /**
   * A stream whose first batch is that of the step after {@code committedSteps} steps.
   *
   * @param committedSteps steps trained already
   */
  BatchSource open(long committedSteps);
}
