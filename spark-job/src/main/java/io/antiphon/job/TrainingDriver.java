package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.conf.SettingsWriter;
import io.antiphon.data.BigramBaseline;
import io.antiphon.data.PackedStore;
import io.antiphon.data.Split;
import io.antiphon.data.StoreLocation;
import io.antiphon.data.TokenEtl;
import io.antiphon.monitor.MonitorOptions;
import io.antiphon.monitor.ProgressStyle;
import io.antiphon.monitor.RunMonitor;
import io.antiphon.monitor.Terminal;
import io.antiphon.train.EvaluationMetrics;
import io.antiphon.train.RankDevice;
import io.antiphon.train.RunEvent;
import io.antiphon.train.RunFacts;
import io.antiphon.train.RunInfo;
import io.antiphon.train.RunListener;
import io.antiphon.train.RunSummary;
import io.antiphon.train.StepMetrics;
import io.antiphon.train.TrainingResult;
import java.io.PrintStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * The driver of a training run: data, then attempts of the barrier job until one ends well, the
 * user stops it, or it failed too often without a new checkpoint.
 */
public final class TrainingDriver {
  private static final Duration LAST_REPORTS = Duration.ofSeconds(30);

  private final Settings settings;
  private final Path runDirectory;
  private final Terminal terminal;
  private final AtomicBoolean interrupted = new AtomicBoolean();
  private volatile boolean training;
  private final AtomicLong lastCheckpoint = new AtomicLong(-1);

  /**
   * @param runDirectory made if it is not there; holds everything the run writes
   * @param terminal where progress is shown
   */
  public TrainingDriver(Settings settings, Path runDirectory, Terminal terminal) {
    this.settings = settings;
    this.runDirectory = runDirectory.toAbsolutePath();
    this.terminal = terminal;
  }

  /**
   * Asks the run to stop after the current step, when it has written a checkpoint.
   *
   * @return whether it will; false while it still prepares, when there is nothing to save and the
   *     caller may end the process
   */
  public boolean interrupt() {
    interrupted.set(true);
    return training;
  }

  /**
   * Runs to the end.
   *
   * @throws io.antiphon.conf.ConfigException if the settings or the directory cannot be used
   * @throws io.antiphon.data.DataException if the data cannot be used
   * @throws RankFailure if the run failed too often
   */
  public RunSummary.Outcome run() throws InterruptedException {
    RankDevice.requireAvailable(settings);
    try (RunDirectory directory = RunDirectory.hold(runDirectory)) {
      long trained = directory.record(settings);
      if (directory.isComplete() && trained >= settings.schedule().steps()) {
        tell(
            "%s is complete: %d of %d steps are trained.\nTo train on, add for example"
                    .formatted(runDirectory, trained, settings.schedule().steps())
                + " --set schedule.steps=%d; to begin anew, take another --run-dir."
                    .formatted(2 * trained));
        return RunSummary.Outcome.COMPLETED;
      }
      return train();
    }
  }

  private RunSummary.Outcome train() throws InterruptedException {
    SparkSession spark = SparkSessions.open(settings);
    try {
      tell("preparing data ...");
      StoreLocation store = prepare(spark);
      RunFacts facts = facts(store);
      training = true;
      if (interrupted.get()) {
        return untrained();
      }
      try (RunMonitor monitor = RunMonitor.of(monitorOptions(), terminal)) {
        return besideProgress(monitor, () -> attempts(spark, store, facts, monitor));
      }
    } finally {
      spark.stop();
    }
  }

  private interface Body {
    RunSummary.Outcome run() throws InterruptedException;
  }

  /** Log lines that would tear the progress bar appear above it. */
  private static RunSummary.Outcome besideProgress(RunMonitor monitor, Body body)
      throws InterruptedException {
    PrintStream before = System.err;
    System.setErr(monitor.above(before));
    try {
      return body.run();
    } finally {
      System.setErr(before);
    }
  }

  private StoreLocation prepare(SparkSession spark) {
    return TokenEtl.prepare(
            spark, DataRequests.of(settings, runDirectory), settings.parallelism().ranks())
        .location();
  }

  private RunSummary.Outcome untrained() {
    tell("interrupted before the first step");
    return RunSummary.Outcome.INTERRUPTED;
  }

  private void tell(String line) {
    terminal.out().println(line);
  }

  private RunFacts facts(StoreLocation store) {
    try (PackedStore train = PackedStore.open(store, Split.TRAIN)) {
      if (train.manifest().part(Split.VALIDATION).sequences() == 0) {
        return new RunFacts(train.manifest().part(Split.TRAIN).bytesPerToken(), Double.NaN);
      }
      return facts(train, store);
    }
  }

  private RunFacts facts(PackedStore train, StoreLocation store) {
    try (PackedStore validation = PackedStore.open(store, Split.VALIDATION)) {
      BigramBaseline.Result bigram =
          BigramBaseline.of(train)
              .evaluate(
                  validation,
                  settings.data().validationSequences(),
                  train.manifest().part(Split.VALIDATION).bytesPerToken());
      return new RunFacts(
          train.manifest().part(Split.VALIDATION).bytesPerToken(), bigram.lossPerToken());
    }
  }

  private MonitorOptions monitorOptions() {
    ProgressStyle style = ProgressStyle.valueOf(settings.monitor().progress().name());
    return new MonitorOptions(
        runDirectory, settings.monitor().logEvery(), settings.monitor().report(), 50, style);
  }

  private RunSummary.Outcome attempts(
      SparkSession spark, StoreLocation store, RunFacts facts, RunMonitor monitor)
      throws InterruptedException {
    String checkpoints = RunDirectory.checkpoints(settings, runDirectory);
    TrainTask task = new TrainTask(resuming(), store, checkpoints, facts);
    int failuresWithoutProgress = 0;
    String restartReason = "";
    while (true) {
      long before = lastCheckpoint.get();
      try {
        TrainingResult result = attempt(spark, task, new Delivery(monitor, restartReason));
        RunSummary.Outcome outcome =
            result.interrupted() ? RunSummary.Outcome.INTERRUPTED : RunSummary.Outcome.COMPLETED;
        monitor.finished(outcome, result.interrupted() ? "stopped by the user" : "");
        return outcome;
      } catch (AttemptFailed failure) {
        failuresWithoutProgress = lastCheckpoint.get() > before ? 1 : failuresWithoutProgress + 1;
        restartReason = failure.reason;
        if (failure.usersError || failuresWithoutProgress > settings.spark().maxRestarts()) {
          monitor.finished(RunSummary.Outcome.FAILED, failure.reason);
          throw new RankFailure(failure.reason, failure.usersError);
        }
      }
    }
  }

  /** Whatever the user wants at the start: an attempt after a failure goes on from a checkpoint. */
  private Settings resuming() {
    return settings.checkpoint().resume()
        ? settings
        : SettingsReader.text(
            "settings", SettingsWriter.render(settings), List.of("checkpoint.resume=true"));
  }

  private TrainingResult attempt(SparkSession spark, TrainTask task, Delivery delivery)
      throws InterruptedException, AttemptFailed {
    String attempt = UUID.randomUUID().toString();
    int ranks = settings.parallelism().ranks();
    Duration timeout = settings.spark().commTimeout();
    try (DriverMailbox mailbox = DriverMailbox.open(attempt, delivery, interrupted::get)) {
      try {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        List<TrainingResult> results = BarrierJob.run(context, ranks, attempt, timeout, task);
        mailbox.awaitEnd(LAST_REPORTS);
        return results.get(0);
      } catch (InterruptedException stop) {
        throw stop;
      } catch (Exception e) { // Scala code throws checked exceptions undeclared
        List<RankMessage.Failure> failures = mailbox.failures();
        if (failures.isEmpty()) {
          throw new AttemptFailed(firstLine(String.valueOf(e.getMessage())), false);
        }
        RankMessage.Failure first = failures.get(0);
        String who = first.usersError() ? "" : "rank " + first.rank() + ": ";
        throw new AttemptFailed(who + first.message(), first.usersError());
      }
    }
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse(text);
  }

  /** An attempt ended without a result. */
  private static final class AttemptFailed extends Exception {
    private final String reason;
    private final boolean usersError;

    AttemptFailed(String reason, boolean usersError) {
      super(reason);
      this.reason = reason;
      this.usersError = usersError;
    }
  }

  /** Hands the reports of one attempt to the monitor. */
  private final class Delivery implements Consumer<Serializable> {
    private final RunListener listener;
    private final String restartReason;

    Delivery(RunListener listener, String restartReason) {
      this.listener = listener;
      this.restartReason = restartReason;
    }

    @Override
    public void accept(Serializable report) {
      if (report instanceof RunInfo info) {
        listener.started(info);
        if (!restartReason.isEmpty()) {
          listener.event(new RunEvent(RunEvent.Kind.RESTART, info.resumedStep(), restartReason));
        }
      } else if (report instanceof StepMetrics metrics) {
        listener.step(metrics);
      } else if (report instanceof EvaluationMetrics metrics) {
        listener.evaluated(metrics);
      } else if (report instanceof RunEvent event) {
        if (event.kind() == RunEvent.Kind.CHECKPOINT) {
          lastCheckpoint.set(event.step());
        }
        listener.event(event);
      } else {
        throw new IllegalArgumentException("no report: " + report.getClass());
      }
    }
  }
}
