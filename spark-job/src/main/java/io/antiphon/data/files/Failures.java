package io.antiphon.data.files;

import io.antiphon.data.DataException;
import io.antiphon.data.Reasons;
import java.util.concurrent.Callable;
import org.apache.hadoop.fs.FSError;

/** Turns what Spark and file systems throw into one sentence for the user. */
public final class Failures {
  private Failures() {}

  /**
   * Runs a step of the pipeline; whatever fails in it, here or on an executor, is about the data.
   */
  public static <T> T explained(String doing, Callable<T> step) {
    try {
      return step.call();
    } catch (Exception | FSError failure) { // an Error: a disk is full, say
      Throwable last = failure;
      for (Throwable at = failure; at != null; at = at.getCause()) {
        if (at instanceof DataException data) {
          throw new DataException(String.valueOf(data.getMessage()), failure);
        }
        last = at;
      }
      if (last instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      throw new DataException(doing + " failed: " + reason(last) + space(last), failure);
    }
  }

  /**
   * What a failure means: in our words where a file system's do not tell, else the first line of
   * its message, or its type when it has none.
   */
  public static String reason(Throwable failure) {
    return StorageFailures.meaning(failure).orElseGet(() -> Reasons.of(failure));
  }

  /** Which disk may be full, where a failure on one does not tell. */
  private static String space(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return message.contains("No space left") || message.contains("quota exceeded")
        ? "; make room where data.cache-dir is, and where Spark keeps its temporary files"
            + " (spark.local.dir)"
        : "";
  }
}
