package io.antiphon.train.checkpoint;

/** A checkpoint cannot be read or written; the message names the file, the reason and a remedy. */
public final class CheckpointException extends RuntimeException {
  /** A failure that this package found itself. */
  public CheckpointException(String message) {
    super(message);
  }

  /** A failure below this package, for example of the storage. */
  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
