package io.antiphon.job.routing;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.data.routing.RoutingTableWriter;
import io.antiphon.train.report.RoutedCounts;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Records the routing of a run: in a spool while ranks train, as Parquet when they are done. */
public final class RoutingRecorder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RoutingRecorder.class);

  private final SparkSession spark;
  private final String directory;
  private final long recorded;
  private final RoutingSpool spool;

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

  /** An attempt goes on from {@code step}. */
  public void started(long step) {
    spool.rewind(step);
  }

  /** Notes what one step sent where. */
  public void add(RoutedCounts counts) {
    spool.add(counts);
  }

  /**
   * Writes the steps up to {@code last} to the table, without those that are there. No rank may
   * hold a slot of Spark.
   */
  public void publish(long last) {
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

  /** Removes the spool: everything is published. */
  public void done() {
    spool.delete();
  }

  /** What cannot be kept any more is only logged: the run has ended, for a reason of its own. */
  @Override
  public void close() {
    try {
      spool.close();
    } catch (UncheckedIOException e) {
      LOG.warn("{}", e.getMessage());
    }
  }
}
