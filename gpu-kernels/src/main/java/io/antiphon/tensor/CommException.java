package io.antiphon.tensor;

/**
 * The ranks of a group can no longer reach each other: one of them failed, left, or was silent for
 * too long. The group is lost. The host of the run starts it again from its last checkpoint.
 */
public final class CommException extends RuntimeException {
  /**
   * @param message which rank, which peer, how long it waited and why it gave up
   */
  public CommException(String message) {
    super(message);
  }

  /**
   * @param message which rank, which peer, how long it waited and why it gave up
   */
  public CommException(String message, Throwable cause) {
    super(message, cause);
  }
}
