package io.antiphon.job.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.train.DevicePlace;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class GpuAddressTest {
  private static final Settings SETTINGS = SettingsReader.preset("quickstart", List.of());

  @Test
  void sparksAddressIsTheNumberOfTheDevice() {
    assertThat(given("3", "").gpu()).hasValue(3);
  }

  @Test
  void ofTheDevicesAProcessMaySeeItIsThePlaceInTheirList() {
    assertThat(given("3", "1, 3").gpu()).hasValue(1);
    assertThat(given("GPU-5a", "GPU-9,GPU-5a").gpu()).hasValue(1);
  }

  @Test
  void aDeviceThatTheProcessDoesNotSeeIsNone() {
    assertThat(given("2", "0,1").whyNone())
        .contains("Spark gave the task GPU 2", "CUDA_VISIBLE_DEVICES is '0,1'");
    assertThat(given("GPU-5a", "").gpu()).isEmpty();
  }

  @Test
  void ranksOfAnExecutorThatShareADeviceKnow() {
    Settings pairs = SettingsReader.preset("quickstart", List.of("backend.ranks-per-gpu=2"));

    assertThat(new GpuAddress(List.of("0"), "", false, 1, 4).place(pairs))
        .isEqualTo(new DevicePlace(OptionalInt.of(0), "", 2));
  }

  @Test
  void ranksOfAnExecutorOnThisMachineShareItsDevice() {
    Settings cluster = SettingsReader.preset("quickstart", List.of("spark.cluster=2"));

    assertThat(new GpuAddress(List.of("1"), "1", false, 1, 2).place(cluster))
        .isEqualTo(new DevicePlace(OptionalInt.of(0), "", 2));
  }

  @Test
  void whereSparkGivesNoneOnlyRanksOfOneProcessTakeAny() {
    assertThat(new GpuAddress(List.of(), "", true, 2, 4).place(SETTINGS))
        .isEqualTo(new DevicePlace(OptionalInt.of(0), "", 4));
    assertThat(new GpuAddress(List.of(), "", false, 2, 4).place(SETTINGS).whyNone())
        .contains("spark.executor.resource.gpu.amount", "docs/operations.md");
  }

  private static DevicePlace given(String address, String visible) {
    return new GpuAddress(List.of(address), visible, false, 0, 1).place(SETTINGS);
  }
}
