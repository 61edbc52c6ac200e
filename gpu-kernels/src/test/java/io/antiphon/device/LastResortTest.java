package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LastResortTest {
  private static final int SECONDS = 60;

  @ParameterizedTest
  @CsvSource({
    "hangs, 137",
    "ends, 3",
    "closes, 3",
    "exits, 137",
  })
  void onlyAProcessThatDoesNotEndIsKilled(String how, int code) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Ending.class.getName(),
                how)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(code);
    } finally {
      process.destroyForcibly();
    }
  }

  /** The process. */
  static final class Ending {
    private Ending() {}

    /** Hangs while it ends, or lives on for longer than the delay. */
    public static void main(String[] arguments) throws InterruptedException {
      CountDownLatch never = new CountDownLatch(1);
      switch (arguments[0]) {
        case "hangs" -> {
          Runtime.getRuntime().addShutdownHook(new Thread(() -> await(never, SECONDS)));
          LastResort.after(Duration.ofSeconds(1));
        }
        case "closes" -> {
          LastResort.after(Duration.ofSeconds(1)).close();
          await(never, 3);
        }
        case "exits" -> LastResort.insteadOfExit();
        default -> LastResort.after(Duration.ofSeconds(SECONDS));
      }
      System.exit(3);
    }

    private static void await(CountDownLatch never, int seconds) {
      try {
        never.await(seconds, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
