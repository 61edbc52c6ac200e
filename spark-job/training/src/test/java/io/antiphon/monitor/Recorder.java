package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;

/** Writes what it hears to a metrics file. */
final class Recorder implements RunListener {

  private final MetricsFile file;
  private RunInfo info = TestRun.info(0);
  private long lastStep;

  Recorder(MetricsFile file) {
    this.file = file;
  }

  @Override
  public void started(RunInfo info) {
    this.info = info;
    file.append(info);
  }

  @Override
  public void step(StepMetrics metrics) {
    lastStep = metrics.step();
    file.append(metrics, info);
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    file.append(metrics, info);
  }

  @Override
  public void event(RunEvent event) {
    file.append(event);
  }

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    file.appendEnd(lastStep, outcome, reason);
  }
}
