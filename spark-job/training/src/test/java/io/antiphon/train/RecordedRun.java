package io.antiphon.train;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunReports;
import io.antiphon.train.report.StepMetrics;
import java.util.ArrayList;
import java.util.List;

/** What rank 0 reported of a training run, which may ask to stop after some steps. */
final class RecordedRun implements RunReports {
  /** Stop after no step. */
  static final long NEVER = Long.MAX_VALUE;

  private final long stopAfter;
  private final List<StepMetrics> steps = new ArrayList<>();
  private final List<Double> validation = new ArrayList<>();
  private final List<RoutedCounts> routed = new ArrayList<>();
  private int reruns;
  private volatile boolean stop;

  RecordedRun(long stopAfter) {
    this.stopAfter = stopAfter;
  }

  /** Whether the run shall stop; asked by every rank. */
  boolean stopRequested() {
    return stop;
  }

  List<StepMetrics> steps() {
    return steps;
  }

  List<Double> losses() {
    return steps.stream().map(StepMetrics::loss).toList();
  }

  List<Double> validation() {
    return validation;
  }

  List<RoutedCounts> routed() {
    return routed;
  }

  int reruns() {
    return reruns;
  }

  long weightBytesSaved() {
    return steps.stream().mapToLong(StepMetrics::weightBytesSaved).sum();
  }

  @Override
  public void started(RunInfo info) {}

  @Override
  public void step(StepMetrics metrics) {
    steps.add(metrics);
    stop = steps.size() >= stopAfter;
  }

  @Override
  public void routed(RoutedCounts counts) {
    routed.add(counts);
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    validation.add(metrics.loss());
  }

  @Override
  public void event(RunEvent event) {
    if (event.kind() == RunEvent.Kind.RERUN) {
      reruns++;
    }
  }
}
