package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.data.FileOpener;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.job.routing.RoutingTraces;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.run.CheckpointOpener;
import io.antiphon.run.HostProvider;
import io.antiphon.run.RunHost;
import io.antiphon.trace.RoutingTrace;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/** Hosts runs in Spark applications; found by its service file wherever Spark is. */
public final class SparkHosts implements HostProvider {
  private static final String DEFAULT_FILES = "fs.defaultFS";
  private static final String LOCAL = "file:";

  private final Optional<SparkSession> given;

  /** Runs open a session each, unless the process has one. Starts nothing yet. */
  public SparkHosts() {
    this(Optional.empty());
  }

  private SparkHosts(Optional<SparkSession> given) {
    this.given = given;
  }

  /** Hosts runs in a session that stays the caller's. */
  public static SparkHosts in(SparkSession theirs) {
    return new SparkHosts(Optional.of(theirs));
  }

  @Override
  public Optional<String> sparkVersion() {
    SparkVersion.require();
    return Optional.of(SparkVersion.current());
  }

  @Override
  public String note() {
    return "";
  }

  @Override
  public void requireTrainable(Settings settings) {
    SparkVersion.require();
    requireDevices(settings);
  }

  private void requireDevices(Settings settings) {
    SparkSessions.requireDevices(
        settings,
        given.map(SparkSessions::its).orElseGet(() -> SparkSessions.properties(settings)));
  }

  @Override
  public boolean readsLocalFiles(Settings settings) {
    return given
        .map(session -> session.sparkContext().hadoopConfiguration().get(DEFAULT_FILES, LOCAL))
        .or(
            () ->
                Optional.ofNullable(
                    SparkSessions.properties(settings).get("spark.hadoop." + DEFAULT_FILES)))
        .orElseGet(() -> new Configuration().get(DEFAULT_FILES, LOCAL))
        .startsWith(LOCAL);
  }

  @Override
  public FileOpener files() {
    return HadoopPath.opener(new Configuration());
  }

  @Override
  public CheckpointOpener checkpoints() {
    return CheckpointStorage::open;
  }

  @Override
  public RoutingTrace routingTable(String path) {
    return RoutingTraces.parquet(path);
  }

  @Override
  public RunHost open(Settings settings, Path runDirectory, Consumer<String> tell)
      throws InterruptedException {
    requireDevices(settings);
    Optional<SparkSession> theirs = given.or(SparkSessions::there);
    return theirs.isPresent()
        ? BarrierHost.on(theirs.get(), settings)
        : BarrierHost.own(settings, runDirectory, tell);
  }
}
