package io.antiphon.submit;

import io.antiphon.device.DeviceException;
import io.antiphon.kernel.DeviceTrial;
import io.antiphon.run.GpuDiscovery;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A machine with the GPUs, libraries and environment that a test says it has. */
final class FakeGpus implements GpuProbe {
  private static final long GIB = 1L << 30;

  private final Map<String, String> environment = new HashMap<>();
  private Optional<String> unavailable = Optional.empty();
  private int count = 1;
  private long free = 79 * GIB;
  private String openFails = "";
  private String kernelFails = "";
  private String productFails = "";
  private String closeFails = "";
  private String ncclFails = "";
  private GpuDiscovery discovery =
      new GpuDiscovery(List.of("0"), "{\"name\": \"gpu\", \"addresses\": [\"0\"]}", "");
  private Optional<Path> asked = Optional.empty();
  private Optional<Path> cache = Optional.empty();

  static FakeGpus one() {
    return new FakeGpus().with("CUDA_DEVICE_MAX_CONNECTIONS", "32");
  }

  static FakeGpus none(String reason) {
    FakeGpus none = one();
    none.unavailable = Optional.of(reason);
    none.discovery = GpuDiscovery.without("gpu-discovery: this machine has no GPU\nreally");
    return none;
  }

  FakeGpus with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  FakeGpus count(int devices) {
    count = devices;
    return this;
  }

  FakeGpus free(double gibibytes) {
    free = (long) (gibibytes * GIB);
    return this;
  }

  FakeGpus openFails(String message) {
    openFails = message;
    return this;
  }

  FakeGpus kernelFails(String message) {
    kernelFails = message;
    return this;
  }

  FakeGpus productFails(String message) {
    productFails = message;
    return this;
  }

  FakeGpus closeFails(String message) {
    closeFails = message;
    return this;
  }

  FakeGpus ncclFails(String message) {
    ncclFails = message;
    return this;
  }

  FakeGpus discovery(GpuDiscovery found) {
    discovery = found;
    return this;
  }

  /** The script that was asked for, if it was the user's own. */
  Optional<Path> asked() {
    return asked;
  }

  /** The folder of kernels that was used. */
  Optional<Path> cache() {
    return cache;
  }

  GpuChecks.Sources sources() {
    return new GpuChecks.Sources(
        environment,
        this,
        () -> {
          fail(ncclFails);
          return "2.28.3";
        },
        script -> {
          asked = script;
          return discovery;
        });
  }

  @Override
  public Optional<String> unavailable() {
    return unavailable;
  }

  @Override
  public String driverVersion() {
    return "13.0";
  }

  @Override
  public int count() {
    return count;
  }

  @Override
  public Gpu open(int ordinal) {
    fail(openFails);
    return new Fake(ordinal);
  }

  private static void fail(String message) {
    if (!message.isEmpty()) {
      throw new DeviceException(message, null);
    }
  }

  private final class Fake implements Gpu {
    private final int ordinal;

    private Fake(int ordinal) {
      this.ordinal = ordinal;
    }

    @Override
    public String description() {
      return "Fake (device " + ordinal + ", compute capability 9.0, 80.0 GiB)";
    }

    @Override
    public long freeBytes() {
      return free - ordinal * GIB;
    }

    @Override
    public long totalBytes() {
      return 80 * GIB;
    }

    @Override
    public DeviceTrial.KernelRun kernel(Path folder) {
      cache = Optional.of(folder);
      fail(kernelFails);
      return new DeviceTrial.KernelRun(
          "memory.cu", "13.0", ordinal > 0, Duration.ofMillis(312), Duration.ofNanos(4567));
    }

    @Override
    public void product() {
      fail(productFails);
    }

    @Override
    public void close() {
      fail(closeFails);
    }
  }
}
