package io.antiphon.simulate;

/** What the user asks of a planner or a simulation cannot be done; the message is all they need. */
public final class OptionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error whose message names the option, its value, the limit and the remedy. */
  public OptionException(String message) {
    super(message);
  }
}
