package io.antiphon.data.routing;

import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import io.antiphon.trace.CountMatrix;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.RoutingTrace;
import io.antiphon.trace.TraceException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructField;

/** Routing counts from Parquet, in the order of steps and layers. */
public final class RoutingTableReader implements RoutingTrace {
  private final String path;
  private final Iterator<Row> rows;

  private RoutingTableReader(String path, Iterator<Row> rows) {
    this.path = path;
    this.rows = rows;
  }

  /**
   * Opens a Parquet file or directory.
   *
   * @throws TraceException if it is none, or has other columns
   */
  public static RoutingTableReader open(SparkSession spark, String path) {
    return explained(
        path,
        () -> {
          Dataset<Row> table = spark.read().parquet(path);
          requireColumns(path, table);
          Column[] order =
              Stream.of(
                      RoutingTable.STEP,
                      RoutingTable.LAYER,
                      RoutingTable.GROUP,
                      RoutingTable.MICRO_BATCH)
                  .filter(List.of(table.columns())::contains)
                  .map(functions::col)
                  .toArray(Column[]::new);
          Dataset<Row> ordered =
              table
                  .orderBy(order)
                  .select(
                      functions.col(RoutingTable.STEP).cast("long"),
                      functions.col(RoutingTable.LAYER).cast("int"),
                      functions.col(RoutingTable.RANKS).cast("int"),
                      functions.col(RoutingTable.EXPERTS).cast("int"),
                      functions.col(RoutingTable.COUNTS));
          return new RoutingTableReader(path, ordered.toLocalIterator());
        });
  }

  private static void requireColumns(String path, Dataset<Row> table) {
    List<String> present = List.of(table.columns());
    for (StructField field : RoutingTable.SCHEMA.fields()) {
      boolean same =
          present.contains(field.name())
              && table.schema().apply(field.name()).dataType().sameType(field.dataType());
      if (!same) {
        throw new TraceException(
            "%s: column %s of type %s is missing; there are %s. Record with train --record-routing."
                .formatted(
                    path,
                    field.name(),
                    field.dataType().simpleString(),
                    table.schema().simpleString()));
      }
    }
  }

  @Override
  public String name() {
    return path;
  }

  @Override
  public Optional<RoutingRecord> next() {
    return explained(path, () -> rows.hasNext() ? Optional.of(of(rows.next())) : Optional.empty());
  }

  private RoutingRecord of(Row row) {
    for (int column = 0; column < row.length(); column++) {
      if (row.isNullAt(column)) {
        throw new TraceException(
            "%s: a row has no %s. Remove the row."
                .formatted(path, row.schema().apply(column).name()));
      }
    }
    String source = "%s, step %d, layer %d".formatted(path, row.getLong(0), row.getInt(1));
    try {
      if (row.getLong(0) < 0 || row.getInt(1) < 0) {
        throw new TraceException("step and layer must be >= 0. Correct the row.");
      }
      List<Integer> boxed = row.getList(4);
      int[] counts = new int[boxed.size()];
      int at = 0;
      for (Integer count : boxed) {
        if (count == null) {
          throw new TraceException("a count is missing. Correct the row.");
        }
        counts[at++] = count;
      }
      return new RoutingRecord(
          source,
          row.getLong(0),
          row.getInt(1),
          CountMatrix.of(row.getInt(2), row.getInt(3), counts));
    } catch (TraceException e) {
      throw new TraceException(source + ": " + e.getMessage());
    }
  }

  private static <T> T explained(String path, java.util.concurrent.Callable<T> step) {
    try {
      return Failures.explained("reading routing counts from '" + path + "'", step);
    } catch (DataException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof TraceException users) {
          throw users;
        }
      }
      throw new TraceException(
          e.getMessage() + ". Give --trace a directory that train --record-routing wrote.");
    }
  }

  /** The session stays its owner's. */
  @Override
  public void close() {}
}
