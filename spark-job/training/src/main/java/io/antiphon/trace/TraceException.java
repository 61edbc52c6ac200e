package io.antiphon.trace;

/** The user's counts or options cannot be used; the message is all the user needs. */
public final class TraceException extends RuntimeException {
  private final String message;

  /** An error whose message names the value, the limit and the remedy. */
  public TraceException(String message) {
    super(message);
    this.message = message;
  }

  @Override
  public String getMessage() { // never null, unlike what it overrides
    return message;
  }
}
