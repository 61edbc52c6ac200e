package io.antiphon.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Spark discovers GPUs, gives them to executors and shares them among the tasks of ranks. The GPU
 * is made up, by naming one that this machine does not have, so {@code auto} ends on the CPU; but
 * only a rank that was given a GPU looks for a driver, and one without says so instead.
 */
@Timeout(180)
class GpusFromSparkTest {
  private static final String SETTINGS =
      """
      name = gpus
      model { layers = 1, hidden = 16, attention-heads = 2, key-value-heads = 1, sequence-length = 16 }
      moe { experts = 4, top-k = 2, expert-ffn = 16 }
      data { text = "text.txt", validation-fraction = 0 }
      optimizer.learning-rate = 1e-2
      schedule { steps = 2, warmup-steps = 1, global-batch = 4, micro-batch = 1, evaluate-every = 0 }
      parallelism.ranks = 4
      monitor.report = false
      """;

  @TempDir Path directory = Path.of("");

  @Test
  void ranksOfTwoExecutorsShareTheGpuThatTheScriptNames() throws Exception {
    Files.writeString(directory.resolve("settings.conf"), SETTINGS);
    Files.writeString(directory.resolve("text.txt"), "much ado about nothing ".repeat(200));
    Launcher launcher = new Launcher(directory, Map.of("CUDA_VISIBLE_DEVICES", "63"));

    Launched run =
        launcher.run("train", "--config", "settings.conf", "--run-dir", "run", "--cluster", "2");

    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(executorLogs())
        .contains("backend.kind = auto: computing on the CPU, because there is no GPU to use: rank")
        .containsAnyOf(
            "libcuda.so.1 (the NVIDIA driver) could not be loaded",
            "CUDA_ERROR_",
            "finds no device")
        .doesNotContain("Spark gave the task none");
  }

  private String executorLogs() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("run").resolve("cluster"))) {
      StringBuilder all = new StringBuilder();
      for (Path file :
          files.filter(path -> path.endsWith("stderr")).sorted().collect(Collectors.toList())) {
        all.append(Files.readString(file));
      }
      return all.toString();
    }
  }
}
