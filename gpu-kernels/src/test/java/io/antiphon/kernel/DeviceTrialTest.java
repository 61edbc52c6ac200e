package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.device.CubinCache;
import io.antiphon.device.Device;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code doctor} tries on a device. */
@Tag("gpu")
@Timeout(120)
class DeviceTrialTest {
  @Test
  void aKernelIsCompiledOnceAndIsRight(@TempDir Path folder) {
    try (Device device = Device.open(0)) {
      DeviceTrial trial = new DeviceTrial(device);
      DeviceTrial.KernelRun first = trial.kernel(new CubinCache(folder));
      DeviceTrial.KernelRun second = trial.kernel(new CubinCache(folder));

      assertThat(first.fromCache()).isFalse();
      assertThat(second.fromCache()).isTrue();
      assertThat(second.loading()).isLessThan(first.loading());
      assertThat(first.running()).isPositive();
      assertThat(first.compiler()).startsWith("13.");
    }
  }

  @Test
  void aProductIsRight() {
    try (Device device = Device.open(0)) {
      new DeviceTrial(device).product();
    }
  }
}
