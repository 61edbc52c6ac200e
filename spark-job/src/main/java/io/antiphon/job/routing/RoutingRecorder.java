package io.antiphon.job.routing;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.data.routing.RoutingTableWriter;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Records the routing of a run: in a spool while ranks train, as Parquet when they are done. */
public final class RoutingRecorder implements RunListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RoutingRecorder.class);

  private static final long NOT_STARTED = -1;

  private final SparkSession spark;
  private final String directory;
  private final long recorded;
  private final RoutingSpool spool;
  private long lastStep = NOT_STARTED;

  private RoutingRecorder(SparkSession spark, String directory, long recorded, RoutingSpool spool) {
    this.spark = spark;
    this.directory = directory;
    this.recorded = recorded;
    this.spool = spool;
  }

  /**
   * Opens a directory of counts, made if it is not there.
   *
   * @param trained step that the run goes on from
   * @throws ConfigException if the directory holds later steps, which would come again
   */
  public static RoutingRecorder open(
      SparkSession spark, String directory, Path runDirectory, long trained) {
    long recorded = RoutingTableWriter.lastStep(spark, directory);
    if (recorded > trained) {
      throw new ConfigException(
          List.of(
              new Problem(
                  "settings",
                  0,
                  "monitor.record-routing",
                  directory,
                  "holds steps up to %d, the run goes on from step %d".formatted(recorded, trained),
                  "choose another directory, or remove what was recorded")));
    }
    return new RoutingRecorder(
        spark, directory, recorded, new RoutingSpool(runDirectory.resolve("routing.spool")));
  }

  @Override
  public void started(RunInfo info) {
    spool.rewind(info.resumedStep());
    lastStep = info.resumedStep();
  }

  @Override
  public void routed(RoutedCounts counts) {
    spool.add(counts);
  }

  @Override
  public void step(StepMetrics metrics) {
    lastStep = metrics.step();
  }

  /**
   * Writes the steps of a run that did not fail to the table, without those that are there. No rank
   * may hold a slot of Spark.
   */
  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    if (outcome == RunSummary.Outcome.FAILED || lastStep == NOT_STARTED) {
      return;
    }
    publish(lastStep);
    spool.delete();
  }

  private void publish(long last) {
    try (RoutingTableWriter writer = new RoutingTableWriter(spark, directory)) {
      spool.forEach(
          counts -> {
            if (counts.step() > recorded && counts.step() <= last) {
              add(writer, counts);
            }
          });
    }
  }

  private static void add(RoutingTableWriter writer, RoutedCounts counts) {
    for (int microBatch = 0; microBatch < counts.counts().length; microBatch++) {
      writer.add(
          counts.step(),
          counts.layer(),
          counts.group(),
          microBatch,
          counts.ranks(),
          counts.experts(),
          counts.counts()[microBatch]);
    }
  }

  @Override
  public void close() {
    try {
      spool.close();
    } catch (UncheckedIOException e) {
      LOG.warn("{}", e.getMessage());
    }
  }
}
