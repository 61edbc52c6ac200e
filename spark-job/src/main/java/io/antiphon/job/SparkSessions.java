package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SparkDefaults;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/** Opens the Spark session of a run. */
final class SparkSessions {
  private SparkSessions() {}

  /**
   * A session with the properties of the settings. What {@code spark-submit} set wins over our
   * defaults, and over the master of the settings.
   */
  static SparkSession open(Settings settings) {
    SparkSession.Builder builder = SparkSession.builder();
    for (Map.Entry<String, String> property : SparkDefaults.of(settings).entrySet()) {
      if (System.getProperty(property.getKey()) == null) {
        builder.config(property.getKey(), property.getValue());
      }
    }
    return builder.config("spark.plugins", AntiphonPlugin.class.getName()).getOrCreate();
  }
}
