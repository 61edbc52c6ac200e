package io.antiphon.train.report;

import java.io.Serializable;

/** One thing that rank 0 of a run says; it knows which method of {@link RunReports} takes it. */
public sealed interface RunReport extends Serializable
    permits EvaluationMetrics, GeneratedText, RoutedCounts, RunEvent, RunInfo, StepMetrics {
  /** Tells it to {@code to}. */
  void deliver(RunReports to);
}
