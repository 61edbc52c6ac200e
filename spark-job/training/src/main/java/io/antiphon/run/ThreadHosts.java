package io.antiphon.run;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.data.FileOpener;
import io.antiphon.trace.RoutingTrace;
import io.antiphon.trace.TraceException;
import io.antiphon.train.RankDevice;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Hosts runs in this process, as threads. */
public final class ThreadHosts implements HostProvider {
  private static final String LIMIT = "needs Spark, which is not here";

  /** Needs nothing. */
  public ThreadHosts() {}

  @Override
  public Optional<String> sparkVersion() {
    return Optional.empty();
  }

  @Override
  public String note() {
    return "without Spark: ranks are threads of this process";
  }

  @Override
  public void requireTrainable(Settings settings) {
    if (settings.spark().cluster() != 0) {
      throw needsSpark("spark.cluster", Integer.toString(settings.spark().cluster()));
    }
    settings
        .spark()
        .master()
        .ifPresent(
            master -> {
              throw needsSpark("spark.master", master);
            });
    settings
        .monitor()
        .recordRouting()
        .ifPresent(
            directory -> {
              throw needsSpark("monitor.record-routing", directory);
            });
    settings.checkpoint().dir().ifPresent(LocalCheckpoints::open);
  }

  private static ConfigException needsSpark(String key, String value) {
    String remedy = "leave it out, or unpack the archive with Spark over this one";
    return new ConfigException(List.of(new Problem("settings", 0, key, value, LIMIT, remedy)));
  }

  @Override
  public boolean readsLocalFiles(Settings settings) {
    return true;
  }

  @Override
  public FileOpener files() {
    return FileOpener.LOCAL;
  }

  @Override
  public CheckpointOpener checkpoints() {
    return LocalCheckpoints::open;
  }

  @Override
  public RoutingTrace routingTable(String path) {
    throw new TraceException(
        path
            + ": a table of Parquet files "
            + LIMIT
            + ". Unpack the archive with Spark over this one, or give counts as JSON.");
  }

  @Override
  public RunHost open(Settings settings, Path runDirectory, Consumer<String> tell) {
    RankDevice.requireAvailable(settings);
    return new ThreadHost();
  }
}
