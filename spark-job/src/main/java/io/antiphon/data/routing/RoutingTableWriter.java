package io.antiphon.data.routing;

import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import io.antiphon.data.files.HadoopPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;

/**
 * Appends routing counts to a directory of Parquet files. Rows wait in memory until there are
 * enough for a file; {@link #flush} and {@link #close} write those that wait.
 */
public final class RoutingTableWriter implements AutoCloseable {
  private static final long COUNTS_PER_FILE = 8L << 20;

  private final SparkSession spark;
  private final String directory;
  private final List<Row> waiting = new ArrayList<>();
  private long waitingCounts;
  private long lastStep = -1;

  /** A writer that has not written anything yet; the directory may hold files already. */
  public RoutingTableWriter(SparkSession spark, String directory) {
    this.spark = spark;
    this.directory = directory;
  }

  /**
   * Adds the counts of one layer and micro-batch of the only expert-parallel group.
   *
   * @see #add(long, int, int, int, int, int, int[])
   */
  public void add(long step, int layer, int ranks, int experts, int[] counts) {
    add(step, layer, 0, 0, ranks, experts, counts);
  }

  /**
   * Adds the counts of one layer, expert-parallel group and micro-batch. A step is never cut in two
   * files if its rows come one after the other.
   *
   * @param counts {@code [ranks, experts]}, read; one row per source rank
   * @throws IllegalArgumentException if the sizes do not fit
   * @throws DataException if a file had to be written and could not
   */
  public void add(
      long step, int layer, int group, int microBatch, int ranks, int experts, int[] counts) {
    if ((long) ranks * experts != counts.length) {
      throw new IllegalArgumentException(
          "counts must have " + ranks + " x " + experts + " entries, had " + counts.length);
    }
    if (waitingCounts >= COUNTS_PER_FILE && step != lastStep) {
      flush();
    }
    lastStep = step;
    List<Integer> boxed = Arrays.stream(counts).boxed().toList();
    waiting.add(RowFactory.create(step, layer, ranks, experts, boxed, group, microBatch));
    waitingCounts += counts.length;
  }

  /**
   * The last step in a directory of counts; 0 if there are none.
   *
   * @throws DataException if it cannot be read, made or written
   */
  public static long lastStep(SparkSession spark, String directory) {
    return Failures.explained(
        "monitor.record-routing: opening '" + directory + "' for routing counts",
        () -> {
          HadoopPath place =
              HadoopPath.open(
                  "monitor.record-routing", directory, spark.sparkContext().hadoopConfiguration());
          place.requireWritable();
          boolean empty =
              Arrays.stream(place.files().listStatus(place.path()))
                  .noneMatch(file -> file.getPath().getName().endsWith(".parquet"));
          if (empty) {
            return 0L;
          }
          Row last = spark.read().parquet(directory).agg(functions.max(RoutingTable.STEP)).first();
          return last.isNullAt(0) ? 0L : last.getLong(0);
        });
  }

  /**
   * Writes what waits, as one file.
   *
   * @throws DataException if it cannot be written; the rows wait on
   */
  public void flush() {
    if (waiting.isEmpty()) {
      return;
    }
    Failures.explained(
        "monitor.record-routing: writing routing counts to '" + directory + "'",
        () -> {
          spark
              .createDataFrame(List.copyOf(waiting), RoutingTable.RECORDED)
              .coalesce(1)
              .write()
              .mode(SaveMode.Append)
              .parquet(directory);
          return true;
        });
    waiting.clear();
    waitingCounts = 0;
  }

  @Override
  public void close() {
    flush();
  }
}
