package io.antiphon.submit;

import io.antiphon.device.CubinCache;
import io.antiphon.device.Cuda;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.kernel.DeviceTrial;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** The GPUs that are there. */
final class CudaProbe implements GpuProbe {
  @Override
  public Optional<String> unavailable() {
    return Cuda.whyNoDevice();
  }

  @Override
  public String driverVersion() {
    return Cuda.version();
  }

  @Override
  public int count() {
    return Cuda.devices();
  }

  @Override
  public Gpu open(int ordinal) {
    Device device = Device.open(ordinal);
    return new Opened(device);
  }

  private static final class Opened implements Gpu {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Device device;
    private final DeviceTrial trial;
    private boolean hangs;

    private Opened(Device device) {
      this.device = device;
      trial = new DeviceTrial(device);
    }

    /** A device that hangs must not hang the thread that asks whether it works. */
    private <T> T within(Supplier<T> work) {
      if (hangs) {
        throw new DeviceException(device.name() + " was not tried: it hangs", null);
      }
      FutureTask<T> task =
          new FutureTask<>(
              () -> {
                device.makeCurrent();
                return work.get();
              });
      Thread thread = new Thread(task, "trial of a device");
      thread.setDaemon(true);
      thread.start();
      try {
        return task.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        hangs = true;
        throw new DeviceException(
            device.name() + " has not finished a trial after " + LIMIT.toSeconds() + " s", e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException failure) {
          throw failure;
        }
        throw new IllegalStateException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new DeviceException("interrupted", e);
      }
    }

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
      return within(() -> trial.kernel(new CubinCache(cache)));
    }

    @Override
    public void product() {
      within(
          () -> {
            trial.product();
            return true;
          });
    }

    @Override
    public void close() {
      if (!hangs) {
        device.close();
      }
    }
  }
}
