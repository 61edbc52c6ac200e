package io.antiphon.submit;

/** The user's counts or options cannot be planned; the message is all the user needs. */
final class PlanInputException extends RuntimeException {
  private final String message;

  PlanInputException(String message) {
    super(message);
    this.message = message;
  }

  @Override
  public String getMessage() { // never null, unlike what it overrides
    return message;
  }
}
