package io.antiphon.submit;

import io.antiphon.device.DeviceException;
import io.antiphon.kernel.DeviceTrial;
import java.nio.file.Path;
import java.util.Optional;

/** What {@code doctor} asks of the GPUs of this machine; tests answer without one. */
interface GpuProbe {
  /** Why there is no device to use; empty if there is one. */
  Optional<String> unavailable();

  /** Version of CUDA that the NVIDIA driver is for, as "13.0". */
  String driverVersion();

  /** Devices that this process sees. */
  int count();

  /**
   * Opens a device.
   *
   * @throws DeviceException if it cannot be used
   */
  Gpu open(int ordinal);

  /** One device; its methods throw {@link DeviceException}. */
  interface Gpu extends AutoCloseable {
    /** Name, compute capability and size, for people. */
    String description();

    long freeBytes();

    long totalBytes();

    /** Compiles or finds, loads, runs and checks a kernel. */
    DeviceTrial.KernelRun kernel(Path cache);

    /** Multiplies matrices with cuBLASLt. */
    void product();

    @Override
    void close();
  }
}
