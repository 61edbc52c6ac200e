package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuDeviceGetCount;
import static jcuda.driver.JCudaDriver.cuDriverGetVersion;
import static jcuda.driver.JCudaDriver.cuInit;

import java.util.Optional;

/** CUDA as this machine has it: what the NVIDIA driver is for, and which devices it shows. */
public final class Cuda {
  private Cuda() {}

  /** Why no CUDA device can be used in this process; empty if one can. */
  public static Optional<String> whyNoDevice() {
    try {
      if (devices() > 0) {
        return Optional.empty();
      }
      return Optional.of("the NVIDIA driver finds no device");
    } catch (DeviceException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Version that the NVIDIA driver is for, as "13.0".
   *
   * @throws DeviceException if there is no driver, or too old a one
   */
  public static String version() {
    CudaCalls calls = new CudaCalls();
    devices(calls);
    return version(calls).toString();
  }

  private static CudaVersion version(CudaCalls calls) {
    int[] version = new int[1];
    calls.check("cuDriverGetVersion", cuDriverGetVersion(version), "ask for the driver's version");
    return CudaVersion.of(version[0]);
  }

  /**
   * Devices that this process sees.
   *
   * @throws DeviceException if there is no driver, or too old a one
   */
  public static int devices() {
    return devices(new CudaCalls());
  }

  static int devices(CudaCalls calls) {
    int[] count = new int[1];
    NativeLibraries.load(
        "libcuda.so.1",
        "the NVIDIA driver",
        () -> {
          calls.check("cuInit", cuInit(0), "start the NVIDIA driver");
          version(calls).requireSupported();
          calls.check("cuDeviceGetCount", cuDeviceGetCount(count), "count the devices");
        });
    return count[0];
  }
}
