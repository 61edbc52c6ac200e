package io.antiphon.device;

import java.util.Set;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** A CUDA call failed. */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Errors of CUDA after which a process can use the device no more. */
  private static final Set<Integer> STICKY =
      Set.of(214, 700, 702, 710, 713, 714, 715, 716, 717, 718, 719);

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
    return ofCuda(call, nameOf(code), code, what);
  }

  /** CUDA's name of an error. */
  static String nameOf(int code) {
    String[] name = new String[1];
    return JCudaDriver.cuGetErrorName(code, name) == 0 ? name[0] : "unknown error";
  }

  /** A failed CUDA call, as {@code CUDA_ERROR_...} and number. */
  static DeviceException ofCuda(String call, String error, int code, String what) {
    boolean sticky = isSticky(code);
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

  /** Whether a process has lost the device for good after that error of CUDA. */
  static boolean isSticky(int code) {
    return STICKY.contains(code);
  }

  /** Whether this process has lost the device for good. */
  public boolean sticky() {
    return sticky;
  }
}
