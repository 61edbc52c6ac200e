package io.antiphon.job.barrier;

/** An attempt ended without a result. */
public final class AttemptFailed extends Exception {
  private final String reason;
  private final boolean mayPass;
  private final boolean usersError;

  /**
   * @param reason one line for the user
   * @param mayPass whether the next attempt may succeed with nothing changed
   */
  public AttemptFailed(String reason, boolean mayPass, Throwable cause) {
    this(reason, mayPass, false, cause);
  }

  private AttemptFailed(String reason, boolean mayPass, boolean usersError, Throwable cause) {
    super(reason, cause);
    this.reason = reason;
    this.mayPass = mayPass;
    this.usersError = usersError;
  }

  /** A failure that lasts until the user changes settings, data or the cluster. */
  static AttemptFailed forUser(String reason, Throwable cause) {
    return new AttemptFailed(reason, false, true, cause);
  }

  /** Why, in one line for the user. */
  public String reason() {
    return reason;
  }

  /** Whether the next attempt may succeed with nothing changed. */
  public boolean mayPass() {
    return mayPass;
  }

  /** Whether the user must change something first. */
  boolean usersError() {
    return usersError;
  }

  /** The same, after the last of so many restarts. */
  public AttemptFailed after(int restarts) {
    String tried =
        restarts == 0
            ? " (spark.max-restarts is 0)"
            : " (gave up after %d restarts without a new checkpoint, see spark.max-restarts)"
                .formatted(restarts);
    return new AttemptFailed(reason + tried, false, this);
  }
}
