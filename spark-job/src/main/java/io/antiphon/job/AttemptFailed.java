package io.antiphon.job;

/** An attempt ended without a result. */
final class AttemptFailed extends Exception {
  private final String reason;
  private final boolean mayPass;

  /**
   * @param reason one line for the user
   * @param mayPass whether the next attempt may succeed with nothing changed
   */
  AttemptFailed(String reason, boolean mayPass, Throwable cause) {
    super(reason, cause);
    this.reason = reason;
    this.mayPass = mayPass;
  }

  /** Why, in one line for the user. */
  String reason() {
    return reason;
  }

  /** Whether the next attempt may succeed with nothing changed. */
  boolean mayPass() {
    return mayPass;
  }

  /** The same, after the last of so many restarts. */
  AttemptFailed after(int restarts) {
    String tried =
        restarts == 0
            ? " (spark.max-restarts is 0)"
            : " (gave up after %d restarts without a new checkpoint, see spark.max-restarts)"
                .formatted(restarts);
    return new AttemptFailed(reason + tried, false, this);
  }
}
