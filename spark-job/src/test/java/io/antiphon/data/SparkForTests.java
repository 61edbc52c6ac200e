package io.antiphon.data;

import org.apache.spark.sql.SparkSession;

/** One local Spark for all tests of this module; it ends with the JVM. */
public final class SparkForTests {
  private static final class Holder {
    static final SparkSession SESSION =
        SparkSession.builder()
            .master("local[2]")
            .appName("tests")
            .config("spark.plugins", "io.antiphon.job.AntiphonPlugin")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir") + "/warehouse")
            .getOrCreate();
  }

  private SparkForTests() {}

  public static SparkSession session() {
    return Holder.SESSION;
  }
}
