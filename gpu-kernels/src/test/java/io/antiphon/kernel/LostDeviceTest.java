package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A device that fails under two ranks of a process, in processes of their own. */
@Tag("gpu")
class LostDeviceTest {
  private static final int SECONDS = 120;

  @TempDir Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(strings = {"write_to", "wait_for"})
  void isNoticedAndKeepsNobodyFromEnding(String kernel) throws Exception {
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                LostDeviceProcess.class.getName(),
                kernel,
                TestDevices.kernelCache().toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).as(() -> read(log)).isTrue();
      // Killed, if the driver waits for the kernel where the process ends.
      assertThat(process.exitValue())
          .as(() -> read(log))
          .isIn(LostDeviceProcess.AS_EXPECTED, 128 + 9);
      assertThat(read(log)).contains("rank 0: as expected", "rank 1: as expected");
    } finally {
      process.destroyForcibly();
    }
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
