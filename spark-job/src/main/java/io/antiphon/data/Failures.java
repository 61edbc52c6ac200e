package io.antiphon.data;

import java.io.FileNotFoundException;
import java.util.concurrent.Callable;

/** Turns what Spark and file systems throw into one sentence for the user. */
public final class Failures {
  private static final int MAX_REASON = 400;

  private Failures() {}

  /**
   * Runs a step of the pipeline; whatever fails in it, here or on an executor, is about the data.
   */
  public static <T> T explained(String doing, Callable<T> step) {
    try {
      return step.call();
    } catch (Exception failure) {
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
      throw new DataException(doing + " failed: " + reason(last), failure);
    }
  }

  /** First line of a failure's message, or its type when it has none. */
  public static String reason(Throwable failure) {
    String message = failure.getMessage();
    if (message == null || message.isBlank()) {
      return failure.getClass().getSimpleName();
    }
    String line = message.strip().lines().findFirst().orElse("");
    String cut = line.length() > MAX_REASON ? line.substring(0, MAX_REASON) + "..." : line;
    return failure instanceof FileNotFoundException && !cut.contains("exist")
        ? "no such file (" + cut + ")"
        : cut;
  }
}
