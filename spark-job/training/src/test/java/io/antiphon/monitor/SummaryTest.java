package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SummaryTest {

  private static SummaryBuilder fourSteps() {
    SummaryBuilder builder = new SummaryBuilder();
    builder.started(TestRun.info(0));
    builder.step(TestRun.step(1, 4.0, 1.0, 9.0, 9.0, 9)); // 32 tokens/s
    builder.step(TestRun.step(2, 3.5, 0.25, 9.0, 9.0, 9)); // 128
    builder.step(TestRun.step(3, 3.0, 0.5, 1.5, 1.125, 2)); // 64
    builder.step(TestRun.step(4, 2.5, 0.25, 1.25, 1.0, 1)); // 128
    return builder;
  }

  @Test
  void loadsAreMeansOverTheLastHalf() {
    RunSummary summary = fourSteps().summary();
    assertThat(summary.loadBefore()).isEqualTo(1.375); // (1.5 + 1.25) / 2
    assertThat(summary.loadAfter()).isEqualTo(1.0625); // (1.125 + 1) / 2
    assertThat(summary.clonesPerStep()).isEqualTo(1.5);
  }

  @Test
  void throughputIsTheMedianAndTimeTheSum() {
    RunSummary summary = fourSteps().summary();
    assertThat(summary.tokensPerSecond()).isEqualTo(96); // between 64 and 128
    assertThat(summary.seconds()).isEqualTo(2.0);
    assertThat(summary.steps()).isEqualTo(4);
  }

  @Test
  void trainingLossIsTheMeanOfTheLastTenthRoundedUp() {
    SummaryBuilder builder = new SummaryBuilder();
    builder.started(TestRun.info(0));
    for (int step = 1; step <= 11; step++) {
      builder.step(TestRun.step(step, 12 - step, 1, 1, 1, 0));
    }
    assertThat(builder.summary().trainLossPerToken()).isEqualTo(1.5); // steps 10 and 11
    assertThat(builder.summary().trainLoss()).isEqualTo(0.75); // two bytes per token
  }

  @Test
  void lossesThatAreNotFiniteAreLeftOut() {
    SummaryBuilder builder = new SummaryBuilder();
    builder.started(TestRun.info(0));
    for (int step = 1; step <= 11; step++) {
      builder.step(TestRun.step(step, step == 11 ? Double.NaN : 2, 1, 1, 1, 0));
    }
    assertThat(builder.summary().trainLossPerToken()).isEqualTo(2);
  }

  @Test
  void countsReRunsSkippedUpdatesAndRestarts() {
    SummaryBuilder builder = new SummaryBuilder();
    builder.started(TestRun.info(0));
    builder.event(new RunEvent(RunEvent.Kind.RESTART, 0, ""));
    builder.event(new RunEvent(RunEvent.Kind.RERUN, 0, ""));
    for (int step = 1; step <= 3; step++) {
      builder.step(new StepMetrics(step, 1, 0, 0, 1, 1, 1, 1, 1, step, step - 1, 0, 0, List.of()));
    }
    RunSummary summary = builder.summary();
    assertThat(summary.reruns()).isEqualTo(6);
    assertThat(summary.skippedUpdates()).isEqualTo(2);
    assertThat(summary.restarts()).isEqualTo(1);
  }

  @Test
  void aRunWithoutStepsHasASummary(@TempDir Path directory) throws IOException {
    SummaryBuilder builder = new SummaryBuilder();
    builder.started(TestRun.info(0));
    builder.finished(RunSummary.Outcome.FAILED, "no executors");
    SummaryFile.write(directory.resolve("summary.json"), builder.summary());
    assertThat(Files.readString(directory.resolve("summary.json")))
        .contains("\"trainLoss\" : null", "\"steps\" : 0", "\"outcome\" : \"failed\"");
  }

  @Test
  void theFileNamesEveryUnit(@TempDir Path directory) throws IOException {
    SummaryBuilder builder = fourSteps();
    builder.evaluated(new EvaluationMetrics(2, 3.0, 10));
    builder.evaluated(new EvaluationMetrics(4, 2.0, 10));
    builder.finished(RunSummary.Outcome.COMPLETED, "");
    Path file = directory.resolve("summary.json");
    SummaryFile.write(file, builder.summary());
    try (var golden = SummaryTest.class.getResourceAsStream("summary-golden.json")) {
      assertThat(file)
          .hasContent(
              new String(Objects.requireNonNull(golden).readAllBytes(), StandardCharsets.UTF_8));
    }
    // 2 nats per token, 2 bytes per token: 1 nat per byte, 1 / ln 2 bits per byte
    assertThat(Json.MAPPER.readTree(file.toFile()).get("validationBitsPerByte").doubleValue())
        .isCloseTo(1.4426950408889634, within(1e-15));
  }

  @Test
  void theLastAttemptTellsTheFacts() {
    SummaryBuilder builder = fourSteps();
    builder.finished(RunSummary.Outcome.FAILED, "");
    RunInfo again = TestRun.info(4);
    builder.started(again);
    assertThat(builder.summary().outcome()).isEqualTo(RunSummary.Outcome.RUNNING);
    assertThat(builder.summary().steps()).isEqualTo(4);
  }
}
