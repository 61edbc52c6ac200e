package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RunMonitorTest {

  private static final SyntheticRun RUN = new SyntheticRun(4, 8, 2, 40);

  private final Path directory;

  RunMonitorTest(@TempDir Path temporary) {
    directory = temporary.resolve("runs").resolve("first");
  }

  private RunMonitor monitor() {
    return monitor(directory, TestTerminal.plain());
  }

  private static RunMonitor monitor(Path directory, TestTerminal terminal) {
    return RunMonitor.of(
        new MonitorOptions(directory, 10, true, 10, ProgressStyle.AUTO),
        terminal.terminal(),
        () -> 0);
  }

  private static void completeRun(Path directory) {
    try (RunMonitor monitor = monitor(directory, TestTerminal.plain())) {
      monitor.started(RUN.info(0));
      RUN.report(monitor, 0, 40);
      monitor.finished(RunSummary.Outcome.COMPLETED, "");
    }
  }

  private JsonNode summary() throws IOException {
    return Json.MAPPER.readTree(directory.resolve("summary.json").toFile());
  }

  @Test
  void aRunLeavesMetricsSummaryAndReport() throws IOException {
    completeRun(directory);
    try (var files = Files.list(directory)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("metrics.jsonl", "summary.json", "report.html");
    }
    assertThat(summary().get("outcome").asText()).isEqualTo("completed");
    assertThat(summary().get("steps").asLong()).isEqualTo(40);
  }

  @Test
  void aKilledAndResumedRunEndsLikeAnUninterruptedOne() throws IOException {
    Path whole = directory.resolveSibling("whole");
    completeRun(whole);

    RunMonitor killed = monitor();
    killed.started(RUN.info(0));
    RUN.report(killed, 0, 25); // the process dies here: neither finished nor closed
    Files.writeString(
        directory.resolve("metrics.jsonl"), "{\"step\":26,\"lo", StandardOpenOption.APPEND);
    TestTerminal terminal = TestTerminal.plain();
    try (RunMonitor resumed = monitor(directory, terminal)) {
      resumed.started(RUN.info(20));
      RUN.report(resumed, 20, 40);
      resumed.finished(RunSummary.Outcome.COMPLETED, "");
    }
    killed.close();

    assertThat(terminal.text()).contains("warning: an unreadable line of ", " was removed: line ");
    assertThat(directory.resolve("summary.json"))
        .hasSameTextualContentAs(whole.resolve("summary.json"));
    assertThat(stepLines(directory)).isEqualTo(stepLines(whole));
  }

  private static String stepLines(Path directory) throws IOException {
    try (var lines = Files.lines(directory.resolve("metrics.jsonl"))) {
      return String.join("\n", lines.filter(line -> line.startsWith("{\"step\"")).toList());
    }
  }

  @Test
  void aRestartInTheSameProcessReplacesTheLostSteps() throws IOException {
    try (RunMonitor monitor = monitor()) {
      monitor.started(RUN.info(0));
      RUN.report(monitor, 0, 17);
      monitor.started(RUN.info(10));
      monitor.event(new RunEvent(RunEvent.Kind.RESTART, 10, "lost rank 2"));
      RUN.report(monitor, 10, 12);
      monitor.started(RUN.info(0));
      monitor.event(new RunEvent(RunEvent.Kind.RESTART, 0, "lost rank 2 again"));
      RUN.report(monitor, 0, 40);
      monitor.finished(RunSummary.Outcome.COMPLETED, "");
    }
    assertThat(summary().get("restarts").asInt()).isEqualTo(2);
    assertThat(stepLines(directory).lines()).hasSize(40);
    assertThat(Files.readString(directory.resolve("report.html"))).contains("lost rank 2 again");
  }

  @Test
  void summaryAndReportCanBeMadeAgainFromTheMetrics() throws IOException {
    completeRun(directory);
    String summary = Files.readString(directory.resolve("summary.json"));
    String report = Files.readString(directory.resolve("report.html"));
    Files.delete(directory.resolve("summary.json"));
    Files.delete(directory.resolve("report.html"));
    List<String> warnings = new ArrayList<>();
    assertThat(RunMonitor.rebuild(directory, warnings::add).orElseThrow().outcome())
        .isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(warnings).isEmpty();
    assertThat(directory.resolve("summary.json")).hasContent(summary);
    assertThat(directory.resolve("report.html")).hasContent(report);
  }

  @Test
  void rebuildingLeavesOutLinesThatAreNotInOrder() throws IOException {
    completeRun(directory);
    Path metrics = directory.resolve("metrics.jsonl");
    String summary = Files.readString(directory.resolve("summary.json"));
    String stray = Files.readAllLines(metrics).get(1);
    Files.writeString(metrics, stray + "\n", StandardOpenOption.APPEND);

    List<String> warnings = new ArrayList<>();
    assertThat(RunMonitor.rebuild(directory, warnings::add).orElseThrow().outcome())
        .isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(warnings)
        .singleElement()
        .asString()
        .startsWith("an unreadable line of " + metrics + " was left out");
    assertThat(directory.resolve("summary.json")).hasContent(summary);
  }

  @Test
  void theReasonOfAFailureSurvivesFilesThatCannotBeWritten() throws IOException {
    TestTerminal terminal = TestTerminal.plain();
    try (RunMonitor monitor = monitor(directory, terminal)) {
      monitor.started(RUN.info(0));
      Files.createDirectory(directory.resolve(".summary.json.tmp"));
      monitor.finished(RunSummary.Outcome.FAILED, "rank 1 ran out of memory");
    }
    assertThat(terminal.text()).contains("rank 1 ran out of memory");
  }

  @Test
  void aResultThatCannotBeWrittenIsAFailure() throws IOException {
    try (RunMonitor monitor = monitor()) {
      monitor.started(RUN.info(0));
      Files.createDirectory(directory.resolve(".summary.json.tmp"));
      assertThatExceptionOfType(UncheckedIOException.class)
          .isThrownBy(() -> monitor.finished(RunSummary.Outcome.COMPLETED, ""))
          .withMessageContaining("summary.json");
    }
  }

  @Test
  void rebuildingNeedsMetrics() throws IOException {
    Files.createDirectories(directory);
    assertThat(RunMonitor.rebuild(directory, warning -> {})).isEmpty();
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void theReportIsRefreshedDuringTheRun() throws IOException {
    try (RunMonitor monitor = monitor()) {
      monitor.started(RUN.info(0));
      RUN.report(monitor, 0, 9);
      assertThat(directory.resolve("report.html")).doesNotExist();
      RUN.report(monitor, 9, 10);
      assertThat(Files.readString(directory.resolve("report.html")))
          .contains("\"outcome\":\"running\"");
    }
  }

  @Test
  void whoEndsTheRunFirstIsRight() throws IOException {
    try (RunMonitor monitor = monitor()) {
      monitor.started(RUN.info(0));
      RUN.report(monitor, 0, 3);
      monitor.finished(RunSummary.Outcome.INTERRUPTED, "Ctrl-C");
      monitor.finished(RunSummary.Outcome.FAILED, "the job was cancelled");
    }
    assertThat(summary().get("outcome").asText()).isEqualTo("interrupted");
  }

  @Test
  void aFailureBeforeTheStartLeavesNoFiles() {
    TestTerminal terminal = TestTerminal.plain();
    try (RunMonitor monitor = monitor(directory, terminal)) {
      monitor.finished(RunSummary.Outcome.FAILED, "no text matches corpus/*.txt");
      assertThat(monitor.summary()).isEqualTo(Optional.empty());
    }
    assertThat(directory).doesNotExist();
    assertThat(terminal.text())
        .isEqualTo("failed at step 0 after 0.0s: no text matches corpus/*.txt\n");
  }

  @Test
  void aStepOutOfOrderIsABug() {
    try (RunMonitor monitor = monitor()) {
      monitor.started(RUN.info(0));
      RUN.report(monitor, 0, 5);
      assertThatIllegalStateException()
          .isThrownBy(() -> monitor.step(RUN.step(5)))
          .withMessage("step 5 came after step 5");
    }
  }

  @Test
  void ranksMayChangeWithAResume() throws IOException {
    try (RunMonitor monitor = monitor()) {
      monitor.started(new SyntheticRun(2, 8, 2, 40).info(0));
      new SyntheticRun(2, 8, 2, 40).report(monitor, 0, 20);
    }
    try (RunMonitor monitor = monitor()) {
      monitor.started(RUN.info(20));
      RUN.report(monitor, 20, 40);
      monitor.finished(RunSummary.Outcome.COMPLETED, "");
    }
    JsonNode layer = ReportTest.data(directory.resolve("report.html")).get("layers").get(0);
    assertThat(layer.get("ranksBefore")).hasSize(4);
    assertThat(layer.get("ranksBefore").get(3).get(19).isNull()).isTrue();
    assertThat(layer.get("ranksBefore").get(3).get(20).isInt()).isTrue();
  }

  @Test
  void logLinesPassTheBarUntorn() {
    TestTerminal terminal = TestTerminal.of(true, true, true, 100);
    try (RunMonitor monitor = monitor(directory, terminal)) {
      var log = monitor.above(terminal.terminal().out());
      monitor.started(RUN.info(0));
      log.println("[rank 0 step 0] ready");
      RUN.report(monitor, 0, 2);
      log.println("[rank 3 step 2] slow");
      monitor.finished(RunSummary.Outcome.INTERRUPTED, "");
    }
    assertThat(terminal.screen().subList(1, 5))
        .containsExactly(
            "[rank 0 step 0] ready",
            "[rank 3 step 2] slow",
            "interrupted at step 2 after 0.0s",
            "");
  }

  @Test
  void withoutABarLogLinesPassAsTheyAre() {
    TestTerminal terminal = TestTerminal.plain();
    try (RunMonitor monitor = monitor(directory, terminal)) {
      assertThat(monitor.above(terminal.terminal().out())).isSameAs(terminal.terminal().out());
    }
  }
}
