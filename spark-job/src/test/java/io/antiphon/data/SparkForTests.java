package io.antiphon.data;

import org.apache.spark.sql.SparkSession;

/** One local Spark for all tests of this package; it ends with the JVM. */
final class SparkForTests {
  private static final class Holder {
    static final SparkSession SESSION =
        SparkSession.builder()
            .master("local[2]")
            .appName("data tests")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir") + "/warehouse")
            .getOrCreate();
  }

  private SparkForTests() {}

  static SparkSession session() {
    return Holder.SESSION;
  }
}
