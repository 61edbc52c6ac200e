package io.antiphon.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

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

  /** A writer that has not written anything yet; the directory may hold files already. */
  public RoutingTableWriter(SparkSession spark, String directory) {
    this.spark = spark;
    this.directory = directory;
  }

  /**
   * Adds the counts of one layer and micro-batch.
   *
   * @param counts {@code [ranks, experts]}, read; one row per source rank
   * @throws IllegalArgumentException if the sizes do not fit
   * @throws DataException if a file had to be written and could not
   */
  public void add(long step, int layer, int ranks, int experts, int[] counts) {
    if ((long) ranks * experts != counts.length) {
      throw new IllegalArgumentException(
          "counts must have " + ranks + " x " + experts + " entries, had " + counts.length);
    }
    List<Integer> boxed = Arrays.stream(counts).boxed().toList();
    waiting.add(RowFactory.create(step, layer, ranks, experts, boxed));
    waitingCounts += counts.length;
    if (waitingCounts >= COUNTS_PER_FILE) {
      flush();
    }
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
        "writing routing counts to '" + directory + "'",
        () -> {
          spark
              .createDataFrame(List.copyOf(waiting), RoutingTable.SCHEMA)
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
