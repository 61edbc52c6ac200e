package io.antiphon.data;

/**
 * The user's data cannot be used as asked: missing, empty, unreadable, of another shape, or too
 * little. The message alone tells the user what to change; the stack trace is of no interest.
 */
public final class DataException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** An error whose message names the value, the limit and the remedy. */
  public DataException(String message) {
    super(message);
  }

  /** Carries the message, and what the file system or Spark reported. */
  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
