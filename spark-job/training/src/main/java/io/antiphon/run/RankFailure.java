package io.antiphon.run;

/** Some rank failed, and with it the attempt on all ranks; the message is one line for the user. */
public final class RankFailure extends RuntimeException {
  /** What may help. */
  private enum Remedy {
    /** Trying again, with nothing changed. */
    AGAIN,
    /** Another process: the command, run again. */
    NEW_PROCESS,
    /** A change that only the user can make: of settings, data, the machine. */
    USER
  }

  private final Remedy remedy;

  private RankFailure(String reason, Remedy remedy, Throwable cause) {
    super(reason, cause);
    this.remedy = remedy;
  }

  /** A failure that may pass: the next attempt may succeed with nothing changed. */
  public static RankFailure passing(String reason, Throwable cause) {
    return new RankFailure(reason, Remedy.AGAIN, cause);
  }

  /** A failure that no attempt of this process can mend. */
  public static RankFailure lasting(String reason, Throwable cause) {
    return new RankFailure(reason, Remedy.NEW_PROCESS, cause);
  }

  /** A failure that lasts until the user changes settings, data or the cluster. */
  public static RankFailure forUser(String reason, Throwable cause) {
    return new RankFailure(reason, Remedy.USER, cause);
  }

  /** Why, in one line for the user. */
  public String reason() {
    return String.valueOf(getMessage());
  }

  /** Whether the next attempt may succeed with nothing changed. */
  public boolean mayPass() {
    return remedy == Remedy.AGAIN;
  }

  /** Whether the user must change something first. */
  public boolean usersError() {
    return remedy == Remedy.USER;
  }

  /** This failure, after the last of so many restarts. */
  public RankFailure after(int restarts) {
    String tried =
        restarts == 0
            ? " (spark.max-restarts is 0)"
            : " (gave up after %d restarts without a new checkpoint, see spark.max-restarts)"
                .formatted(restarts);
    return lasting(reason() + tried, this);
  }
}
