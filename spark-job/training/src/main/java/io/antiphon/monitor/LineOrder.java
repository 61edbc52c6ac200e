package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.LayerLoad;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.util.HashMap;
import java.util.Map;

/**
 * Checks what summary and report rely on across the lines of a metrics file: steps and evaluations
 * come in order, and a layer keeps its number of experts. A call that throws changes nothing.
 */
final class LineOrder implements RunListener {
  private long lastStep;
  private long lastEvaluation;
  private final Map<Integer, Integer> experts = new HashMap<>();

  @Override
  public void started(RunInfo info) {}

  @Override
  public void step(StepMetrics metrics) {
    if (metrics.step() <= lastStep) {
      throw new IllegalArgumentException(
          "step " + metrics.step() + " comes after step " + lastStep);
    }
    for (LayerLoad load : metrics.layers()) {
      int had = experts.getOrDefault(load.layer(), load.expertCounts().length);
      if (load.expertCounts().length != had) {
        throw new IllegalArgumentException(
            "layer %d has %d experts at step %d, and had %d before"
                .formatted(load.layer(), load.expertCounts().length, metrics.step(), had));
      }
    }
    metrics.layers().forEach(load -> experts.put(load.layer(), load.expertCounts().length));
    lastStep = metrics.step();
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    if (metrics.step() < lastEvaluation) {
      throw new IllegalArgumentException(
          "the evaluation of step %d comes after that of step %d"
              .formatted(metrics.step(), lastEvaluation));
    }
    lastEvaluation = metrics.step();
  }

  @Override
  public void event(RunEvent event) {}

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {}
}
