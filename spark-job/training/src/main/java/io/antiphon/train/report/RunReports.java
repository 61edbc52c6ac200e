package io.antiphon.train.report;

/** Takes what a run has to say while it runs, in the order of the run. */
public interface RunReports {
  /** An attempt begins; its first step is {@code info.resumedStep() + 1}. */
  void started(RunInfo info);

  /** A step was committed. */
  void step(StepMetrics metrics);

  /** How a committed step was routed; told before the step itself, if the run records it. */
  default void routed(RoutedCounts counts) {}

  /** The validation loss was measured. */
  void evaluated(EvaluationMetrics metrics);

  /** Something worth a mark happened. */
  void event(RunEvent event);
}
