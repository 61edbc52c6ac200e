package io.antiphon.submit;

/** Whether Spark is on the class path: the small bundle leaves it out. */
final class SparkPresence {
  private SparkPresence() {}

  /** Looks without loading it. */
  static boolean isHere() {
    return SparkPresence.class.getResource("/org/apache/spark/SparkContext.class") != null;
  }
}
