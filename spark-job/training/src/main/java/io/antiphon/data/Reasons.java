package io.antiphon.data;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** One line for the user of what a library or the file system of this machine says. */
public final class Reasons {
  private static final int MAX_REASON = 400;

  private Reasons() {}

  /** The first line of a failure's message, or its type when it has none. */
  public static String of(Throwable failure) {
    if (failure instanceof NoSuchFileException) {
      return "no such file (" + failure.getMessage() + ")";
    }
    if (failure instanceof AccessDeniedException) {
      return "permission denied (" + failure.getMessage() + ")";
    }
    String message = failure.getMessage();
    if (message == null || message.isBlank()) {
      return failure.getClass().getSimpleName();
    }
    String line = message.strip().lines().findFirst().orElse("");
    return line.length() > MAX_REASON ? line.substring(0, MAX_REASON) + "..." : line;
  }
}
