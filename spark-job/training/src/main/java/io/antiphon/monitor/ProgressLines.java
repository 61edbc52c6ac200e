package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Progress as plain lines: for logs, and for terminals that cannot redraw. */
final class ProgressLines implements RunListener {

  private final Terminal terminal;
  private final long every;
  private final LongSupplier nanoTime;
  private final ProgressText text;
  private final long begin;
  private Pace pace = new Pace();
  private @Nullable RunInfo info;
  private long lastStep;

  ProgressLines(Terminal terminal, long every, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.every = every;
    this.nanoTime = nanoTime;
    text = new ProgressText(terminal);
    begin = nanoTime.getAsLong();
  }

  @Override
  public void started(RunInfo info) {
    this.info = info;
    pace = new Pace();
    lastStep = info.resumedStep();
    print(text.started(info));
  }

  @Override
  public void step(StepMetrics metrics) {
    RunInfo run = info;
    if (run == null) {
      throw new IllegalStateException("a step came before the run started");
    }
    pace.add(metrics.seconds(), metrics.tokens());
    boolean first = metrics.step() == run.resumedStep() + 1;
    lastStep = metrics.step();
    if (first || lastStep % every == 0 || lastStep == run.steps()) {
      print(text.step(metrics, run, pace));
    }
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    if (info != null) {
      print(text.evaluated(metrics, info));
    }
  }

  @Override
  public void event(RunEvent event) {
    print(text.event(event));
  }

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    Duration elapsed = Duration.ofNanos(nanoTime.getAsLong() - begin);
    print(text.finished(outcome, reason, lastStep, Figures.duration(elapsed)));
  }

  private void print(String line) {
    terminal.out().println(line);
    terminal.out().flush();
  }
}
