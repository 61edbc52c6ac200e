package io.antiphon.comm;

/** The environment of this process will not do; the message names the variable and its value. */
public final class EnvironmentException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Carries the message for the user. */
  public EnvironmentException(String message) {
    super(message);
  }
}
