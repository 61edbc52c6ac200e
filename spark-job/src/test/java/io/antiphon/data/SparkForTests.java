package io.antiphon.data;

import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/** One local Spark for all tests of this module; it ends with the JVM, or if a test stops it. */
public final class SparkForTests {
  private static @Nullable SparkSession session;

  private SparkForTests() {}

  /** Opened by whoever asks first. */
  public static synchronized SparkSession session() {
    SparkSession open = session;
    if (open == null || open.sparkContext().isStopped()) {
      open =
          SparkSession.builder()
              .master("local[2]")
              .appName("tests")
              .config("spark.plugins", "io.antiphon.job.barrier.AntiphonPlugin")
              .config("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
              .config("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "1")
              .config("spark.ui.enabled", "false")
              .config("spark.driver.bindAddress", "127.0.0.1")
              .config("spark.driver.host", "127.0.0.1")
              .config("spark.sql.shuffle.partitions", "3")
              .config(
                  "spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir") + "/warehouse")
              .getOrCreate();
      session = open;
    }
    return open;
  }
}
