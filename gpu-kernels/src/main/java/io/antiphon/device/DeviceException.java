package io.antiphon.device;

import org.jspecify.annotations.Nullable;

/** A CUDA call failed. */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean sticky;

  DeviceException(String message, boolean sticky) {
    super(message);
    this.sticky = sticky;
  }

  /** A failure with its cause, if there is one. */
  public DeviceException(String message, @Nullable Throwable cause) {
    super(message, cause);
    this.sticky = false;
  }

  /** A failed CUDA call. */
  static DeviceException ofCuda(String call, int code, String what) {
    return ofCuda(call, CudaError.nameOf(code), code, what);
  }

  /** A failed CUDA call, as {@code CUDA_ERROR_...} and number. */
  static DeviceException ofCuda(String call, String error, int code, String what) {
    boolean sticky = CudaError.isSticky(code);
    return new DeviceException(
        call
            + " failed, "
            + error
            + " ("
            + code
            + "): "
            + what
            + (sticky ? ". This process has lost the device, a new one gets it back" : ""),
        sticky);
  }

  /**
   * Whether this process has lost the device for good; {@link SharedDevice#anyLoss} then says why,
   * also where another call than this one showed it.
   */
  public boolean sticky() {
    return sticky;
  }
}
