package io.antiphon.run;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunReport;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.util.List;

/** Several listeners of a run as one, told in order. */
record Listeners(List<RunListener> all) implements RunListener {
  Listeners {
    all = List.copyOf(all);
  }

  private void tell(RunReport report) {
    all.forEach(report::deliver);
  }

  @Override
  public void started(RunInfo info) {
    tell(info);
  }

  @Override
  public void step(StepMetrics metrics) {
    tell(metrics);
  }

  @Override
  public void routed(RoutedCounts counts) {
    tell(counts);
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    tell(metrics);
  }

  @Override
  public void event(RunEvent event) {
    tell(event);
  }

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    all.forEach(listener -> listener.finished(outcome, reason));
  }
}
