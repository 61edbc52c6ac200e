package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows a run: progress on a terminal, and in the run directory {@code metrics.jsonl} with every
 * step, {@code summary.json} with the result and {@code report.html} with the picture. A resumed
 * run continues these files. Safe for use by many threads, so that a shutdown hook may finish it.
 *
 * <p>Every method throws {@link UncheckedIOException}, naming the file, if a file cannot be
 * written.
 */
public final class RunMonitor implements RunListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunMonitor.class);

  private static final String METRICS = "metrics.jsonl";
  private static final String SUMMARY = "summary.json";
  private static final String REPORT = "report.html";

  private final MonitorOptions options;
  private final Optional<StatusLine> statusLine;
  private final Optional<RunListener> progress;
  private SummaryBuilder summary = new SummaryBuilder();
  private ReportData reportData = new ReportData();
  private @Nullable MetricsFile metrics;
  private @Nullable RunInfo info;
  private boolean over;

  private RunMonitor(
      MonitorOptions options, Optional<StatusLine> statusLine, Optional<RunListener> progress) {
    this.options = options;
    this.statusLine = statusLine;
    this.progress = progress;
  }

  /** A monitor that has not written anything yet. */
  public static RunMonitor of(MonitorOptions options, Terminal terminal) {
    return of(options, terminal, System::nanoTime);
  }

  static RunMonitor of(MonitorOptions options, Terminal terminal, LongSupplier nanoTime) {
    ProgressStyle style = options.progress();
    if (style == ProgressStyle.AUTO) {
      style = terminal.redraws() ? ProgressStyle.BAR : ProgressStyle.LINES;
    }
    return switch (style) {
      case BAR -> {
        StatusLine line = new StatusLine(terminal);
        yield new RunMonitor(
            options, Optional.of(line), Optional.of(new ProgressBar(terminal, line, nanoTime)));
      }
      case LINES ->
          new RunMonitor(
              options,
              Optional.empty(),
              Optional.of(new ProgressLines(terminal, options.logEvery(), nanoTime)));
      case NONE, AUTO -> new RunMonitor(options, Optional.empty(), Optional.empty());
    };
  }

  /**
   * Makes {@code summary.json} and {@code report.html} again from {@code metrics.jsonl}.
   *
   * @param warnings takes a sentence if lines of that file had to be left out
   * @return the result; empty if that file does not exist or tells of no run, and then nothing is
   *     written
   * @throws UncheckedIOException if a file cannot be read or written
   */
  public static Optional<RunSummary> rebuild(Path runDirectory, Consumer<String> warnings) {
    MonitorOptions options = new MonitorOptions(runDirectory, 1, true, 1, ProgressStyle.NONE);
    try (RunMonitor monitor = new RunMonitor(options, Optional.empty(), Optional.empty())) {
      UnreadableLines unreadable = monitor.replay();
      if (unreadable.count() > 0) {
        warnings.accept(unreadable.describe(runDirectory.resolve(METRICS), "left out"));
      }
      if (monitor.info == null) {
        return Optional.empty();
      }
      monitor.writeSummary();
      monitor.writeReport();
      return monitor.summary();
    }
  }

  /**
   * A stream for output to the same terminal, log lines say, which then appears above the progress
   * bar instead of tearing it. Whole lines only; {@code target} stays the caller's.
   */
  public PrintStream above(PrintStream target) {
    return statusLine.map(line -> line.above(target)).orElse(target);
  }

  /** The result so far; empty before the run started. */
  public synchronized Optional<RunSummary> summary() {
    return info == null ? Optional.empty() : Optional.of(summary.summary());
  }

  @Override
  public synchronized void started(RunInfo started) {
    MetricsFile file = openMetrics(started.resumedStep());
    replay();
    info = started;
    over = false;
    file.append(started);
    summary.started(started);
    reportData.started(started);
    progress.ifPresent(listener -> listener.started(started));
    UnreadableLines unreadable = file.unreadable();
    if (unreadable.count() > 0) {
      event(
          new RunEvent(
              RunEvent.Kind.WARNING,
              started.resumedStep(),
              unreadable.describe(options.runDirectory().resolve(METRICS), "removed")));
    }
  }

  private MetricsFile openMetrics(long resumedStep) {
    MetricsFile file = metrics;
    if (file != null) {
      file.rewind(resumedStep);
      return file;
    }
    try {
      Files.createDirectories(options.runDirectory());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot make the run directory " + options.runDirectory() + ": " + e.getMessage(), e);
    }
    file = MetricsFile.open(options.runDirectory().resolve(METRICS), resumedStep);
    metrics = file;
    return file;
  }

  /** Forgets what was heard and hears what the file tells. */
  private UnreadableLines replay() {
    summary = new SummaryBuilder();
    reportData = new ReportData();
    return MetricsFile.replay(options.runDirectory().resolve(METRICS), new Replay());
  }

  @Override
  public synchronized void step(StepMetrics step) {
    if (step.step() <= summary.lastStep()) {
      throw new IllegalStateException(
          "step " + step.step() + " came after step " + summary.lastStep());
    }
    openFile().append(step, openInfo());
    summary.step(step);
    reportData.step(step);
    progress.ifPresent(listener -> listener.step(step));
    if (options.report() && step.step() % options.reportEvery() == 0) {
      writeReport();
    }
  }

  @Override
  public synchronized void evaluated(EvaluationMetrics evaluation) {
    openFile().append(evaluation, openInfo());
    summary.evaluated(evaluation);
    reportData.evaluated(evaluation);
    progress.ifPresent(listener -> listener.evaluated(evaluation));
  }

  @Override
  public synchronized void event(RunEvent event) {
    openFile().append(event);
    summary.event(event);
    reportData.event(event);
    progress.ifPresent(listener -> listener.event(event));
  }

  /**
   * Writes summary and report. A second call has no effect: who comes first knows why.
   *
   * <p>Of a run that failed, a file that cannot be written is only logged: what ended the run says
   * more, and is often the same.
   */
  @Override
  public synchronized void finished(RunSummary.Outcome outcome, String reason) {
    if (over) {
      return;
    }
    over = true;
    progress.ifPresent(listener -> listener.finished(outcome, reason));
    if (info == null) {
      return; // it failed before there was anything to record
    }
    try {
      record(outcome, reason);
    } catch (UncheckedIOException e) {
      if (outcome != RunSummary.Outcome.FAILED) {
        throw e;
      }
      LOG.warn("the end of the run is not recorded: {}", e.getMessage());
    }
  }

  private void record(RunSummary.Outcome outcome, String reason) {
    openFile().appendEnd(summary.lastStep(), outcome, reason);
    summary.finished(outcome, reason);
    reportData.finished(outcome, reason);
    writeSummary();
    if (options.report()) {
      writeReport();
    }
  }

  /** Releases the files and the terminal line. */
  @Override
  public synchronized void close() {
    statusLine.ifPresent(StatusLine::hide);
    if (metrics != null) {
      metrics.close();
    }
  }

  private void writeSummary() {
    SummaryFile.write(options.runDirectory().resolve(SUMMARY), summary.summary());
  }

  private void writeReport() {
    Report.write(
        options.runDirectory().resolve(REPORT), openInfo().name(), summary.summary(), reportData);
  }

  private MetricsFile openFile() {
    if (metrics == null) {
      throw new IllegalStateException("the run has not started");
    }
    return metrics;
  }

  private RunInfo openInfo() {
    if (info == null) {
      throw new IllegalStateException("the run has not started");
    }
    return info;
  }

  /** Feeds recorded calls to what keeps the history, not to the file or the terminal. */
  private final class Replay implements RunListener {
    @Override
    public void started(RunInfo recorded) {
      info = recorded;
      summary.started(recorded);
      reportData.started(recorded);
    }

    @Override
    public void step(StepMetrics step) {
      summary.step(step);
      reportData.step(step);
    }

    @Override
    public void evaluated(EvaluationMetrics evaluation) {
      summary.evaluated(evaluation);
      reportData.evaluated(evaluation);
    }

    @Override
    public void event(RunEvent event) {
      summary.event(event);
      reportData.event(event);
    }

    @Override
    public void finished(RunSummary.Outcome outcome, String reason) {
      summary.finished(outcome, reason);
      reportData.finished(outcome, reason);
    }
  }
}
