package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.device.Cuda;
import io.antiphon.transport.Ranks;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What {@code backend.kind} means on machines with and without a GPU. */
class DeviceChoiceTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @Test
  void withoutAGpuAutoComputesOnTheCpu() {
    assumeThat(Cuda.whyNoDevice()).isPresent();
    Transport alone = ThreadTransport.group(1, LIMIT).get(0);
    try (RankDevice device = RankDevice.open(settings("backend.kind=auto"), alone, onlyDevice())) {
      assertThat(device.backend().description()).contains("OpenBLAS");
      assertThat(device.lag()).isZero();
      assertThat(device.cudaCalls()).isEmpty();
    }
  }

  @Test
  void withoutAGpuCudaIsTheUsersErrorAndSaysWhatIsMissing() {
    assumeThat(Cuda.whyNoDevice()).isPresent();
    Settings cuda = settings("backend.kind=cuda");
    Transport alone = ThreadTransport.group(1, LIMIT).get(0);

    assertThatThrownBy(() -> RankDevice.requireAvailable(cuda))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("backend.kind = cuda")
        .hasMessageContaining("there is no GPU to use: libcuda.so.1 (the NVIDIA driver)")
        .hasMessageContaining("set backend.kind to cpu or auto");
    assertThatThrownBy(() -> RankDevice.open(cuda, alone, onlyDevice()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("libcuda.so.1");
  }

  @Test
  void aRankThatSparkGaveNoGpuSaysSo() {
    Transport alone = ThreadTransport.group(1, LIMIT).get(0);
    DevicePlace none = DevicePlace.without("Spark gave the task none");

    assertThatThrownBy(() -> RankDevice.open(settings("backend.kind=cuda"), alone, none))
        .hasMessageContaining("there is no GPU to use: Spark gave the task none");
    try (RankDevice device = RankDevice.open(settings("backend.kind=auto"), alone, none)) {
      assertThat(device.lag()).isZero();
    }
  }

  @Test
  void ranksChooseAlike() {
    assertThat(choices(Optional.empty(), Optional.empty(), Optional.empty()))
        .containsOnly(Optional.empty());
    assertThat(choices(Optional.empty(), Optional.of("no driver"), Optional.of("too old")))
        .containsOnly(Optional.of("rank 1: no driver"));
  }

  @SafeVarargs
  private static List<Optional<String>> choices(Optional<String>... lacking) {
    return Ranks.run(
        lacking.length, transport -> AutoChoice.agree(transport, lacking[transport.rank()]));
  }

  @Test
  void localRanksShareTheFirstDeviceUnlessToldOtherwise() {
    Settings shared = settings();
    Settings pairs = settings("backend.ranks-per-gpu=2");

    assertThat(DevicePlace.onThisMachine(shared, 3, 4))
        .isEqualTo(new DevicePlace(OptionalInt.of(0), "", 4));
    assertThat(DevicePlace.onThisMachine(pairs, 1, 3))
        .isEqualTo(new DevicePlace(OptionalInt.of(0), "", 2));
    assertThat(DevicePlace.onThisMachine(pairs, 2, 3))
        .isEqualTo(new DevicePlace(OptionalInt.of(1), "", 1));
  }

  private static DevicePlace onlyDevice() {
    return DevicePlace.onThisMachine(settings(), 0, 1);
  }

  private static Settings settings(String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("parallelism.ranks=1");
    all.add("parallelism.expert-parallel=1");
    return SettingsReader.preset("quickstart", all);
  }
}
