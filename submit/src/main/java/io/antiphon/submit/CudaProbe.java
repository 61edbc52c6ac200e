package io.antiphon.submit;

import io.antiphon.device.CubinCache;
import io.antiphon.device.Device;
import io.antiphon.kernel.DeviceTrial;
import java.nio.file.Path;
import java.util.Optional;

/** The GPUs that are there. */
final class CudaProbe implements GpuProbe {
  @Override
  public Optional<String> unavailable() {
    return Device.unavailable();
  }

  @Override
  public String driverVersion() {
    return Device.driverVersion();
  }

  @Override
  public int count() {
    return Device.count();
  }

  @Override
  public Gpu open(int ordinal) {
    Device device = Device.open(ordinal);
    return new Opened(device, new DeviceTrial(device));
  }

  private record Opened(Device device, DeviceTrial trial) implements Gpu {
    @Override
    public String description() {
      return device.toString();
    }

    @Override
    public long freeBytes() {
      return device.memory().free();
    }

    @Override
    public long totalBytes() {
      return device.memory().total();
    }

    @Override
    public DeviceTrial.KernelRun kernel(Path cache) {
      return trial.kernel(new CubinCache(cache));
    }

    @Override
    public void product() {
      trial.product();
    }

    @Override
    public void close() {
      device.close();
    }
  }
}
