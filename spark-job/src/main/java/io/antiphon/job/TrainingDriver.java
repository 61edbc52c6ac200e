package io.antiphon.job;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Settings;
import io.antiphon.data.BigramBaseline;
import io.antiphon.data.Split;
import io.antiphon.data.etl.PreparedTokens;
import io.antiphon.data.etl.TokenEtl;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.store.PackedStore;
import io.antiphon.data.store.StoreLocation;
import io.antiphon.job.barrier.ApplicationWatch;
import io.antiphon.job.barrier.RankCall;
import io.antiphon.job.cluster.LocalCluster;
import io.antiphon.job.routing.RoutingRecorder;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.job.storage.SharedStorage;
import io.antiphon.monitor.MonitorOptions;
import io.antiphon.monitor.ProgressStyle;
import io.antiphon.monitor.RunMonitor;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.Directories;
import io.antiphon.run.RankFailure;
import io.antiphon.run.RunDirectory;
import io.antiphon.run.TokenizerCopy;
import io.antiphon.tensor.CommException;
import io.antiphon.train.CheckpointSpace;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RunFacts;
import io.antiphon.train.TrainingData;
import io.antiphon.train.TrainingResult;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.PrintStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver of a training run: data, then attempts of the barrier job until one ends well, the
 * user stops it, or it failed too often without a new checkpoint.
 */
public final class TrainingDriver {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingDriver.class);

  private final Settings settings;
  private final Path runDirectory;
  private final Terminal terminal;
  private final AtomicBoolean interrupted = new AtomicBoolean();
  private volatile boolean training;
  private Optional<RoutingRecorder> routing = Optional.empty();
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
    Map<String, String> properties = SparkSessions.properties(settings);
    SparkSessions.requireDevices(settings, properties);
    try (RunDirectory directory = RunDirectory.hold(runDirectory, CheckpointStorage::open)) {
      long trained = directory.record(settings);
      if (directory.isComplete() && trained >= settings.schedule().steps()) {
        tell(
            "%s is complete: %d of %d steps are trained.\nTo train on, add for example"
                    .formatted(runDirectory, trained, settings.schedule().steps())
                + " --set schedule.steps=%d; to begin anew, take another --run-dir."
                    .formatted(2 * trained));
        return RunSummary.Outcome.COMPLETED;
      }
      return start(directory, properties, trained);
    }
  }

  private RunSummary.Outcome start(
      RunDirectory directory, Map<String, String> properties, long trained)
      throws InterruptedException {
    int executors = settings.spark().cluster();
    if (executors == 0) {
      return train(directory, Map.of(), () -> {}, trained);
    }
    tell("starting a Spark cluster of " + executors + " executors ...");
    int ranksPerExecutor = settings.parallelism().ranks() / executors;
    int cores = ranksPerExecutor * cpusPerTask(properties);
    try (LocalCluster cluster =
        LocalCluster.start(
            runDirectory.resolve("cluster"), executors, cores, wantsGpus(), properties)) {
      return train(directory, cluster.properties(), cluster::requireHealthy, trained);
    }
  }

  private boolean wantsGpus() {
    Backend.Kind kind = settings.backend().kind();
    return kind == Backend.Kind.CUDA || kind == Backend.Kind.AUTO;
  }

  private static int cpusPerTask(Map<String, String> properties) {
    return Integer.parseInt(properties.getOrDefault("spark.task.cpus", "1"));
  }

  private RunSummary.Outcome train(
      RunDirectory directory, Map<String, String> cluster, Runnable requireHealthy, long trained)
      throws InterruptedException {
    SparkSession spark = SparkSessions.open(settings, cluster);
    try {
      if (cluster.isEmpty()) {
        warnOfLocalDirectories(spark);
      }
      tell("preparing data ...");
      PreparedTokens prepared = prepareData(spark, requireHealthy);
      TrainingData data =
          new TrainingData(prepared.manifest().contentDigest(), prepared.tokenizer().meaning());
      directory.requireSame(data, settings);
      prepared
          .tokenizer()
          .content(HadoopPath.opener(spark.sparkContext().hadoopConfiguration()))
          .ifPresent(content -> TokenizerCopy.keep(runDirectory, content));
      StoreLocation store = prepared.location();
      RunFacts facts = facts(store);
      requireSpace(store, trained);
      training = true;
      if (interrupted.get()) {
        return untrained();
      }
      openRouting(spark, trained);
      try (RunMonitor monitor = RunMonitor.of(monitorOptions(), terminal)) {
        return besideProgress(
            monitor, () -> supervise(spark, requireHealthy, store, facts, data, monitor));
      }
    } finally {
      spark.stop();
    }
  }

  private void openRouting(SparkSession spark, long trained) {
    routing =
        settings
            .monitor()
            .recordRouting()
            .map(directory -> RoutingRecorder.open(spark, directory, runDirectory, trained));
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

  private RunSummary.Outcome untrained() {
    tell("interrupted before the first step");
    return RunSummary.Outcome.INTERRUPTED;
  }

  private void tell(String line) {
    terminal.out().println(line);
  }

  private void warnOfLocalDirectories(SparkSession spark) {
    Map<String, String> directories = new TreeMap<>();
    directories.put("checkpoint.dir", Directories.checkpoints(settings, runDirectory));
    directories.put("data.cache-dir", Directories.cache(settings, runDirectory));
    SharedStorage.warning(
            spark.sparkContext().master(), directories, spark.sparkContext().hadoopConfiguration())
        .ifPresent(warning -> LOG.warn("{}", warning));
  }

  private PreparedTokens prepareData(SparkSession spark, Runnable requireHealthy)
      throws InterruptedException {
    int ranks = settings.parallelism().ranks();
    try {
      return ApplicationWatch.call(
          spark.sparkContext()::isStopped,
          () -> TokenEtl.prepare(spark, DataRequests.of(settings, runDirectory), ranks),
          requireHealthy);
    } catch (ApplicationWatch.ApplicationLost e) {
      throw new CommException(String.valueOf(e.getMessage()), e);
    } catch (IllegalStateException e) {
      SparkSessions.requireAlive(spark); // or else Spark says that a stopped context can do nothing
      throw e;
    } catch (InterruptedException | RuntimeException e) {
      throw e;
    } catch (Exception e) { // Scala code throws checked exceptions undeclared
      throw new IllegalStateException("preparing the data failed: " + e.getMessage(), e);
    }
  }

  private void requireSpace(StoreLocation store, long trained) {
    try (PackedStore train = PackedStore.open(store, Split.TRAIN)) {
      ModelSetup setup = ModelSetup.of(settings, train.vocabulary(), train.endOfText());
      Checkpoints checkpoints =
          CheckpointStorage.open(Directories.checkpoints(settings, runDirectory), store.settings());
      CheckpointSpace.of(settings, setup, checkpoints, trained)
          .require()
          .ifPresent(warning -> LOG.warn("{}", warning));
    }
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

  private RunSummary.Outcome supervise(
      SparkSession spark,
      Runnable requireHealthy,
      StoreLocation store,
      RunFacts facts,
      TrainingData data,
      RunMonitor monitor)
      throws InterruptedException {
    String checkpoints = Directories.checkpoints(settings, runDirectory);
    TrainTask task = new TrainTask(resuming(), store, checkpoints, facts, data);
    Supervisor supervisor = new Supervisor(settings.spark().maxRestarts(), lastCheckpoint::get);
    try {
      TrainingResult result =
          supervisor.run(
              reason ->
                  RankCall.attempt(
                      spark,
                      settings,
                      task,
                      new Delivery(monitor, reason),
                      interrupted::get,
                      requireHealthy));
      RunSummary.Outcome outcome =
          result.interrupted() ? RunSummary.Outcome.INTERRUPTED : RunSummary.Outcome.COMPLETED;
      routing.ifPresent(recorder -> recorder.publish(result.steps()));
      routing.ifPresent(RoutingRecorder::done);
      monitor.finished(outcome, result.interrupted() ? "stopped by the user" : "");
      return outcome;
    } catch (CancellationException stopped) {
      monitor.finished(RunSummary.Outcome.INTERRUPTED, String.valueOf(stopped.getMessage()));
      return RunSummary.Outcome.INTERRUPTED;
    } catch (RankFailure failure) {
      monitor.finished(RunSummary.Outcome.FAILED, failure.reason());
      throw failure;
    } catch (RuntimeException failure) { // of what follows the ranks, or of our own
      monitor.finished(RunSummary.Outcome.FAILED, String.valueOf(failure.getMessage()));
      throw failure;
    } finally {
      routing.ifPresent(RoutingRecorder::close);
    }
  }

  /** Whatever the user wants at the start: an attempt after a failure goes on from a checkpoint. */
  private Settings resuming() {
    return settings.checkpoint().resume()
        ? settings
        : settings.with(List.of("checkpoint.resume=true"));
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
        routing.ifPresent(recorder -> recorder.started(info.resumedStep()));
        listener.started(info);
        if (!restartReason.isEmpty()) {
          listener.event(new RunEvent(RunEvent.Kind.RESTART, info.resumedStep(), restartReason));
        }
      } else if (report instanceof RoutedCounts counts) {
        routing.ifPresent(recorder -> recorder.add(counts));
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
