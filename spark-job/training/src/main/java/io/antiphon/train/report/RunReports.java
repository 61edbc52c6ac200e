package io.antiphon.train.report;

/** Takes what a run has to say while it runs, in the order of the run. */
public interface RunReports {
  /** Listens to nothing. */
  RunReports NONE = new RunReports() {};

  /** An attempt begins; its first step is {@code info.resumedStep() + 1}. */
  default void started(RunInfo info) {}

  /** A step was committed. */
  default void step(StepMetrics metrics) {}

  /** How a committed step was routed; told before the step itself, if the run records it. */
  default void routed(RoutedCounts counts) {}

  /** The validation loss was measured. */
  default void evaluated(EvaluationMetrics metrics) {}

  /** A piece of text was generated. */
  default void generated(GeneratedText text) {}

  /** Something worth a mark happened. */
  default void event(RunEvent event) {}
}
