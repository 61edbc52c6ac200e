package io.antiphon.job;

import io.antiphon.data.RoutingTableReader;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.RoutingTrace;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/** Opens recorded routing in Parquet with a Spark session of its own. */
public final class RoutingTraces {
  private RoutingTraces() {}

  /**
   * Opens a Parquet file or directory; closing the trace ends the session.
   *
   * @throws io.antiphon.trace.TraceException if it is no recorded routing
   */
  public static RoutingTrace parquet(String path) {
    SparkSession spark =
        SparkSession.builder()
            .appName("antiphon simulate")
            .master(System.getProperty("spark.master", "local[*]"))
            .config("spark.ui.enabled", false)
            .config("spark.sql.shuffle.partitions", 8)
            .getOrCreate();
    try {
      return new Owned(spark, RoutingTableReader.open(spark, path));
    } catch (RuntimeException e) {
      spark.stop();
      throw e;
    }
  }

  private record Owned(SparkSession spark, RoutingTrace trace) implements RoutingTrace {
    @Override
    public String name() {
      return trace.name();
    }

    @Override
    public Optional<RoutingRecord> next() {
      return trace.next();
    }

    @Override
    public void close() {
      spark.stop();
    }
  }
}
