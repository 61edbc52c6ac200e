package io.antiphon.job.barrier;

/** Some rank of a barrier job failed; the message says which and why. */
public final class RankFailure extends RuntimeException {
  private final boolean usersError;

  private RankFailure(String message, boolean usersError) {
    super(message);
    this.usersError = usersError;
  }

  /** The end of a run after an attempt that nothing follows. */
  public static RankFailure of(AttemptFailed failure) {
    return new RankFailure(failure.reason(), failure.usersError());
  }

  /** Whether settings, data or a checkpoint are at fault, so that trying again is no use. */
  public boolean usersError() {
    return usersError;
  }
}
