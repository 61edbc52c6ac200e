package io.antiphon.monitor;

import io.antiphon.fuzz.Fuzz;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A damaged history never keeps a sound run from going on: lines that nobody can use are left out.
 */
@Tag("fuzz")
class MetricsFuzzTest {
  private final Path directory;
  private final Path file;

  MetricsFuzzTest(@TempDir Path directory) {
    this.directory = directory;
    file = directory.resolve("metrics.jsonl");
  }

  @Test
  void aDamagedHistoryIsGoneOnWith() throws IOException {
    try (MetricsFile metrics = MetricsFile.open(file, 0)) {
      metrics.append(TestRun.info(0));
      for (long step = 1; step <= 3; step++) {
        metrics.append(TestRun.step(step), TestRun.info(0));
      }
      metrics.append(new EvaluationMetrics(3, 3.0, 1000), TestRun.info(0));
      metrics.append(new RunEvent(RunEvent.Kind.SKIPPED_UPDATE, 3, "why"));
      metrics.appendEnd(3, RunSummary.Outcome.INTERRUPTED, "Ctrl-C");
    }
    MonitorOptions options = new MonitorOptions(directory, 1, false, 1, ProgressStyle.NONE);
    Fuzz.of("metrics.jsonl")
        .from(Files.readAllBytes(file))
        .words(
            "\"type\":", "\"step\":", "\"loss\":", "\"layers\":", "\n{\"type\":\"step\",\"step\":")
        .run(
            input -> {
              Files.write(file, input);
              try (RunMonitor monitor = RunMonitor.of(options, TestTerminal.plain().terminal())) {
                monitor.started(TestRun.info(2));
                monitor.step(TestRun.step(3));
              }
            });
  }

  @Test
  void aDamagedSummaryIsNone() {
    Fuzz.of("summary.json")
        .from("{\"outcome\": \"completed\", \"steps\": 3}")
        .words("\"outcome\":", "\"completed\"")
        .run(
            input -> {
              Files.write(directory.resolve("summary.json"), input);
              RunOutcome.of(directory);
            });
  }
}
