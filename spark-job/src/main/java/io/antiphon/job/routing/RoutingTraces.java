package io.antiphon.job.routing;

import io.antiphon.data.routing.RoutingTableReader;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.RoutingTrace;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/** Opens recorded routing in Parquet with the Spark session at hand, or one of its own. */
public final class RoutingTraces {
  private RoutingTraces() {}

  /**
   * Opens a Parquet file or directory; closing the trace ends a session of its own.
   *
   * @throws io.antiphon.trace.TraceException if it is no recorded routing
   */
  public static RoutingTrace parquet(String path) {
    boolean ours = SparkSession.getDefaultSession().isEmpty();
    SparkSession spark =
        SparkSession.builder()
            .appName("antiphon simulate")
            .master(System.getProperty("spark.master", "local[*]"))
            .config("spark.ui.enabled", false)
            .config("spark.sql.shuffle.partitions", 8)
            .getOrCreate();
    if (ours) {
      spark.sparkContext().setLogLevel("OFF"); // what fails is told in one sentence
    }
    try {
      RoutingTrace trace = RoutingTableReader.open(spark, path);
      return ours ? new Owned(spark, trace) : trace;
    } catch (RuntimeException e) {
      if (ours) {
        spark.stop();
      }
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
