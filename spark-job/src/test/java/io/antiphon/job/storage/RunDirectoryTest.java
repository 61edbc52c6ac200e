package io.antiphon.job.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  private final Settings settings = SettingsReader.preset("quickstart", List.of());
  private final Path path;

  RunDirectoryTest(@TempDir Path directory) {
    this.path = directory.resolve("run");
  }

  @Test
  void isMadeAndHoldsTheEffectiveSettings() {
    try (RunDirectory directory = RunDirectory.hold(path)) {
      assertThat(directory.record(settings)).isZero();
      assertThat(directory.isComplete()).isFalse();
    }
    assertThat(SettingsReader.file(path.resolve("config.conf"), List.of())).isEqualTo(settings);
  }

  @Test
  void isHeldByOneAtATimeAndALockThatWasLeftBehindMeansNothing() throws IOException {
    Files.createDirectories(path);
    Files.writeString(path.resolve("run.lock"), "process 1");
    try (RunDirectory directory = RunDirectory.hold(path)) {
      assertThat(directory.record(settings)).isZero();
      assertThatThrownBy(() -> RunDirectory.hold(path))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(
              "another process trains there: process " + ProcessHandle.current().pid());
    }
  }

  @Test
  void isOpenToARunUntilThatIsComplete() throws IOException {
    assertThat(RunDirectory.isOpenTo(settings, path)).isTrue();
    Files.createDirectories(path);
    Files.writeString(path.resolve("summary.json"), "{\"outcome\": \"interrupted\"}");
    assertThat(RunDirectory.isOpenTo(settings, path)).isTrue();
    Files.writeString(path.resolve("summary.json"), "{\"outcome\" : \"completed\"}");
    assertThat(RunDirectory.isOpenTo(settings, path)).isFalse();
    Files.writeString(path.resolve("summary.json"), "{\"outc");
    assertThat(RunDirectory.isOpenTo(settings, path)).isTrue();
  }
}
