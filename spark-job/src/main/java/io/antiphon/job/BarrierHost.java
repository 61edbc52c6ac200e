package io.antiphon.job;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Settings;
import io.antiphon.data.DataRequest;
import io.antiphon.data.etl.PreparedTokens;
import io.antiphon.data.etl.TokenEtl;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.store.StoreDirectory;
import io.antiphon.job.barrier.ApplicationWatch;
import io.antiphon.job.barrier.RankCall;
import io.antiphon.job.cluster.LocalCluster;
import io.antiphon.job.routing.RoutingRecorder;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.job.storage.SharedStorage;
import io.antiphon.run.CheckpointOpener;
import io.antiphon.run.CheckpointPlace;
import io.antiphon.run.Directories;
import io.antiphon.run.PreparedText;
import io.antiphon.run.RankTask;
import io.antiphon.run.RunHost;
import io.antiphon.run.RunText;
import io.antiphon.tensor.CommException;
import io.antiphon.train.TrainingData;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunReport;
import io.antiphon.train.report.RunReports;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ranks as tasks of barrier stages of a Spark application: of its own session, perhaps on a cluster
 * of its own, or of one that somebody else opened and keeps.
 */
public final class BarrierHost implements RunHost {
  private static final Logger LOG = LoggerFactory.getLogger(BarrierHost.class);

  private final SparkSession spark;
  private final Runnable requireHealthy;
  private final Runnable end;
  private Optional<RoutingRecorder> recorder = Optional.empty();

  private BarrierHost(SparkSession spark, Runnable requireHealthy, Runnable end) {
    this.spark = spark;
    this.requireHealthy = requireHealthy;
    this.end = end;
  }

  /**
   * Runs ranks in a session that stays the caller's: nothing in it is changed or stopped.
   *
   * @throws io.antiphon.comm.EnvironmentException if ranks can never run in it
   * @throws io.antiphon.conf.ConfigException if the settings ask for a cluster of their own
   */
  static BarrierHost on(SparkSession theirs, Settings settings) {
    SparkSessions.requireUsable(theirs, settings);
    return new BarrierHost(theirs, () -> {}, () -> {});
  }

  /**
   * Runs ranks in a session of its own, on a cluster of its own if the settings ask for one.
   *
   * @param tell takes lines about what takes long
   */
  static BarrierHost own(Settings settings, Path runDirectory, Consumer<String> tell)
      throws InterruptedException {
    Map<String, String> properties = SparkSessions.properties(settings);
    int executors = settings.spark().cluster();
    if (executors == 0) {
      SparkSession spark = SparkSessions.open(settings, Map.of());
      warnOfLocalDirectories(spark, settings, runDirectory);
      return new BarrierHost(spark, () -> {}, spark::stop);
    }
    tell.accept("starting a Spark cluster of " + executors + " executors ...");
    int ranksPerExecutor = settings.parallelism().ranks() / executors;
    int cores = ranksPerExecutor * cpusPerTask(properties);
    LocalCluster cluster =
        LocalCluster.start(
            runDirectory.resolve("cluster"), executors, cores, wantsGpus(settings), properties);
    try {
      SparkSession spark = SparkSessions.open(settings, cluster.properties());
      return new BarrierHost(
          spark,
          cluster::requireHealthy,
          () -> {
            try (cluster) {
              spark.stop();
            }
          });
    } catch (RuntimeException | Error failure) {
      cluster.close();
      throw failure;
    }
  }

  private static boolean wantsGpus(Settings settings) {
    Backend.Kind kind = settings.backend().kind();
    return kind == Backend.Kind.CUDA || kind == Backend.Kind.AUTO;
  }

  private static int cpusPerTask(Map<String, String> properties) {
    return Integer.parseInt(properties.getOrDefault("spark.task.cpus", "1"));
  }

  private static void warnOfLocalDirectories(
      SparkSession spark, Settings settings, Path runDirectory) {
    Map<String, String> directories = new TreeMap<>();
    directories.put("checkpoint.dir", Directories.checkpoints(settings, runDirectory));
    directories.put("data.cache-dir", Directories.cache(settings, runDirectory));
    SharedStorage.warning(
            spark.sparkContext().master(), directories, spark.sparkContext().hadoopConfiguration())
        .ifPresent(warning -> LOG.warn("{}", warning));
  }

  @Override
  public void awaitPlaces(Settings settings) throws InterruptedException {
    if (!spark.sparkContext().isLocal()) { // its threads were counted when it was opened
      RankCall.awaitSlots(spark, settings, requireHealthy);
    }
  }

  @Override
  public PreparedText text(DataRequest request, int ranks) throws InterruptedException {
    try {
      return ApplicationWatch.call(
          spark.sparkContext()::isStopped,
          () -> prepared(TokenEtl.prepare(spark, request, ranks)),
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

  private static PreparedText prepared(PreparedTokens tokens) {
    return new PreparedText(
        new StoreText(tokens.location()),
        new TrainingData(tokens.manifest().contentDigest(), tokens.tokenizer().meaning()),
        tokens.tokenizer());
  }

  @Override
  public Optional<RunText> kept(DataRequest request, String sequences) {
    return StoreDirectory.holding(
            request.cacheDir(), sequences, spark.sparkContext().hadoopConfiguration())
        .map(StoreText::new);
  }

  @Override
  public CheckpointPlace checkpoints(String directory) {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    return new CheckpointPlace(
        HadoopPath.open("checkpoint.dir", directory, hadoop).absolute(),
        new Opener(HadoopPath.changed(hadoop)));
  }

  /** Opens checkpoints on executors, whose Hadoop may be configured otherwise. */
  private record Opener(Map<String, String> hadoopSettings) implements CheckpointOpener {
    @Override
    public Checkpoints open(String directory) {
      return CheckpointStorage.open(directory, hadoopSettings);
    }
  }

  @Override
  public Optional<RunListener> recorder(Settings settings, Path runDirectory, long trained) {
    recorder =
        settings
            .monitor()
            .recordRouting()
            .map(directory -> RoutingRecorder.open(spark, directory, runDirectory, trained));
    return recorder.map(listener -> listener);
  }

  @Override
  public <R extends Serializable> R call(
      Settings settings, RankTask<R> task, RunReports reports, BooleanSupplier stop)
      throws InterruptedException {
    AtomicLong lastCheckpoint = new AtomicLong(-1);
    Supervisor.Attempt<R> attempt =
        reason ->
            RankCall.attempt(
                spark,
                settings,
                task,
                report -> deliver(report, reports, reason, lastCheckpoint),
                stop,
                requireHealthy);
    return task.resumes()
        ? new Supervisor(settings.spark().maxRestarts(), lastCheckpoint::get).run(attempt)
        : attempt.run("");
  }

  private static void deliver(
      RunReport report, RunReports reports, String restartReason, AtomicLong lastCheckpoint) {
    report.deliver(reports);
    if (report instanceof RunInfo info && !restartReason.isEmpty()) {
      reports.event(new RunEvent(RunEvent.Kind.RESTART, info.resumedStep(), restartReason));
    } else if (report instanceof RunEvent event && event.kind() == RunEvent.Kind.CHECKPOINT) {
      lastCheckpoint.set(event.step());
    }
  }

  @Override
  public void close() {
    recorder.ifPresent(RoutingRecorder::close);
    end.run();
  }
}
