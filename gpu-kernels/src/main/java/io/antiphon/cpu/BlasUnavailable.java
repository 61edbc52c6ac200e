package io.antiphon.cpu;

/** The native BLAS library cannot be used on this machine; the message says why and what to do. */
public final class BlasUnavailable extends RuntimeException {
  /** Carries the message for the user. */
  public BlasUnavailable(String message, Throwable cause) {
    super(message, cause);
  }
}
