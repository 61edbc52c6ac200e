package io.antiphon.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.job.routing.RoutingTraces;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.RoutingTrace;
import io.antiphon.train.report.RunSummary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that records its routing, read as simulate reads it. */
class RoutingRecordingTest {
  private static final int LAYERS = 2;
  private static final int MICRO_BATCHES = 2;

  @TempDir Path shared = Path.of("");

  @Test
  void everyStepIsRecordedOnceAlsoOverAResume() throws Exception {
    String directory = "monitor.record-routing=" + shared.resolve("routing");
    SmallRun plain = new SmallRun(shared, "plain", "schedule.steps=6");
    SmallRun first = new SmallRun(shared, "run", "schedule.steps=6", directory);
    assertThat(plain.train()).isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(first.train()).isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(first.losses()).isEqualTo(plain.losses());
    assertThat(shared.resolve("run/routing.spool")).doesNotExist();

    SmallRun rest = new SmallRun(shared, "run", "schedule.steps=9", directory);
    assertThat(rest.train()).isEqualTo(RunSummary.Outcome.COMPLETED);
    List<Long> steps = new ArrayList<>();
    for (RoutingRecord record : read()) {
      steps.add(record.step());
      // 4 ranks, 2 sequences of 32 tokens, top-2
      assertThat(IntStream.of(record.counts().toArray()).sum()).isEqualTo(4 * 2 * 32 * 2);
    }
    List<Long> expected = new ArrayList<>();
    for (long step = 1; step <= 9; step++) {
      for (int i = 0; i < LAYERS * MICRO_BATCHES; i++) {
        expected.add(step);
      }
    }
    assertThat(steps).isEqualTo(expected);

    SmallRun other = new SmallRun(shared, "other", "schedule.steps=6", directory);
    assertThatThrownBy(other::train)
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("holds steps up to 9, the run goes on from step 0");
  }

  private List<RoutingRecord> read() {
    List<RoutingRecord> records = new ArrayList<>();
    try (RoutingTrace trace = RoutingTraces.parquet(shared.resolve("routing").toString())) {
      for (Optional<RoutingRecord> next = trace.next(); next.isPresent(); next = trace.next()) {
        records.add(next.get());
      }
    }
    return records;
  }
}
