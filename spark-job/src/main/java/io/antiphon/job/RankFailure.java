package io.antiphon.job;

/** Some rank of a barrier job failed; the message says which and why. */
public final class RankFailure extends RuntimeException {
  private final boolean usersError;

  RankFailure(String message, boolean usersError) {
    super(message);
    this.usersError = usersError;
  }

  /** Whether settings, data or a checkpoint are at fault, so that trying again is no use. */
  public boolean usersError() {
    return usersError;
  }
}
