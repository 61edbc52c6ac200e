package io.antiphon.job;

import io.antiphon.comm.EnvironmentException;
import org.apache.spark.package$;

/**
 * The version of Spark that this program runs in. Looks at nothing else of Spark, so that it
 * answers in every version.
 */
final class SparkVersion {
  /** Line of versions whose classes the ranks and the packing of data use. */
  static final String NEEDED = "4.2";

  private SparkVersion() {}

  /**
   * Fails in any other version, whose classes would be found missing in the middle of the run.
   *
   * @throws EnvironmentException in one line for the user
   */
  static void require() {
    require(current());
  }

  static String current() {
    return package$.MODULE$.SPARK_VERSION();
  }

  static void require(String version) {
    if (!version.startsWith(NEEDED + ".")) {
      throw new EnvironmentException(
          "this needs Spark %s, and this is Spark %s; use the spark-submit of a Spark %s (Scala 2.13)"
              .formatted(NEEDED, version, NEEDED));
    }
  }
}
