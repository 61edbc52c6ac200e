package io.antiphon.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.simulate.ContenderResult.Summary;
import io.antiphon.trace.CountsInput;
import io.antiphon.trace.TraceException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class SimulationTest {

  static SimulationOptions options(int threads, Integer... slots) {
    return new SimulationOptions(
        SimulationOptions.contenderNames(),
        List.of(slots),
        BalanceOptions.EXACT.withRanksPerNode(4),
        new CostModel.ExpertSize(1024, 512),
        CostFile.defaults(),
        3,
        5,
        threads);
  }

  private static WorkloadOptions sizes(int tokens, int steps) {
    return new WorkloadOptions(8, 32, 4, tokens, 2, steps, 5, 0.9, 10, 8);
  }

  static SimulationResult run(WorkloadKind kind, int steps, int threads, Integer... slots) {
    return runWith(512, kind, steps, threads, slots);
  }

  private static SimulationResult runWith(
      int tokens, WorkloadKind kind, int steps, int threads, Integer... slots) {
    try (SampleSource source = new SyntheticWorkload(kind, sizes(tokens, steps))) {
      return new Simulation(options(threads, slots), source).run(done -> {});
    }
  }

  private static Summary summary(SimulationResult result, String label) {
    return result.summaries().stream()
        .filter(summary -> summary.contender().label().equals(label))
        .findFirst()
        .orElseThrow();
  }

  /** Planner times are measured and differ; everything else must not. */
  private static String withoutTimes(SimulationResult result) {
    StringWriter json = new StringWriter();
    SimulationJson.write(result, Recommendation.of(result), json);
    return json.toString().replaceAll("\"planSeconds\" : [^,]*,", "");
  }

  @Test
  void theNumberOfThreadsChangesNothing() {
    String alone = withoutTimes(run(WorkloadKind.DRIFT, 13, 1, 1, 2));
    assertThat(withoutTimes(run(WorkloadKind.DRIFT, 13, 2, 1, 2))).isEqualTo(alone);
    assertThat(withoutTimes(run(WorkloadKind.DRIFT, 13, 5, 1, 2))).isEqualTo(alone);
  }

  @ParameterizedTest
  @EnumSource(WorkloadKind.class)
  void noContenderLosesRowsAndNoneBeatsPerfectBalance(WorkloadKind kind) {
    SimulationResult result = run(kind, 8, 2, 1, 2);
    List<Measurement> perfect =
        result.contenders().get(result.contenders().size() - 1).measurements();
    for (ContenderResult contender : result.contenders()) {
      String label = contender.contender().label();
      assertThat(contender.measurements()).as(label).hasSize(7 * 2); // without the first step
      for (int i = 0; i < perfect.size(); i++) {
        Measurement measurement = contender.measurements().get(i);
        assertThat(measurement.total()).as(label).isEqualTo(perfect.get(i).total());
        assertThat(measurement.maxLoad())
            .as(label)
            .isGreaterThanOrEqualTo(perfect.get(i).maxLoad());
        assertThat(perfect.get(i).isOptimal()).isTrue();
      }
      double share = 0;
      for (double part : contender.histogram().shares()) {
        share += part;
      }
      assertThat(share).isCloseTo(1, offset(1e-9));
    }
  }

  @Test
  void echoBalancesWhatEplbComesTooLateFor() {
    SimulationResult result = run(WorkloadKind.W6, 30, 2, 2);
    assertThat(summary(result, "one-shot K=2").load()).isLessThan(1.1);
    assertThat(summary(result, "eplb K=2").load()).isGreaterThan(1.3);
    assertThat(summary(result, "none").load()).isGreaterThan(2);
    assertThat(summary(result, "perfect").load()).isCloseTo(1, offset(1e-3));
  }

  @Test
  void eplbIsGoodWhereNothingChanges() {
    SimulationResult result = run(WorkloadKind.W1, 10, 2, 2);
    assertThat(summary(result, "eplb K=2").load()).isLessThan(1.2);
    assertThat(summary(result, "eplb K=2").clones()).isEqualTo(16);
  }

  @Test
  void binPackingTakesPartWithOneSlotOnly() {
    List<String> labels =
        run(WorkloadKind.ZIPF, 3, 1, 1, 2).summaries().stream()
            .map(summary -> summary.contender().label())
            .toList();
    assertThat(labels)
        .startsWith("none")
        .endsWith("perfect")
        .contains("bin-packing K=1", "one-shot K=1", "one-shot K=2", "eplb K=1", "eplb K=2")
        .doesNotContain("bin-packing K=2");
  }

  @Test
  void theAdviceFitsTheLoad() {
    Recommendation hot = Recommendation.of(runWith(16_384, WorkloadKind.W1, 10, 2, 1, 2, 4));
    assertThat(hot.slotsPerRank()).isPositive();
    assertThat(hot.tokenCapacity()).isBetween(1.0, 1.3);
    assertThat(hot.sentences().get(0))
        .contains("moe.token-capacity = ", "moe.echo.slots-per-rank = " + hot.slotsPerRank());
    // The hot set never changes, so that EPLB has its clones in place already.
    assertThat(hot.sentences()).anyMatch(text -> text.contains("(eplb K="));
    Recommendation few = Recommendation.of(runWith(16, WorkloadKind.W1, 10, 2, 1, 2));
    assertThat(few.slotsPerRank()).isZero();
    assertThat(few.sentences()).anyMatch(text -> text.contains("weights cost more time"));
    Recommendation even = Recommendation.of(run(WorkloadKind.W0, 10, 2, 1));
    assertThat(even.slotsPerRank()).isZero();
    assertThat(even.tokenCapacity()).isEqualTo(1);
    assertThat(even.sentences().get(0)).contains("moe.echo.enabled = false");
  }

  @Test
  void progressReachesTheEnd() {
    long[] last = {0};
    try (SampleSource source = new SyntheticWorkload(WorkloadKind.W0, sizes(512, 9))) {
      new Simulation(options(2, 1), source)
          .run(
              done -> {
                assertThat(done).isGreaterThan(last[0]);
                last[0] = done;
              });
      assertThat(last[0]).isEqualTo(source.size());
    }
  }

  @Test
  void tracesOfOneMatrixCount(@TempDir Path directory) throws IOException {
    SimulationResult result = trace(directory, "{\"counts\": [[30, 10], [30, 10]]}");
    assertThat(result.samples()).isEqualTo(1);
    assertThat(summary(result, "none").load()).isCloseTo(1.5, offset(1e-9));
    assertThat(summary(result, "one-shot K=1").load()).isCloseTo(1, offset(1e-9));
  }

  @Test
  void traceKeysGiveStepAndLayer(@TempDir Path directory) throws IOException {
    SimulationResult result =
        trace(
            directory,
            """
            {"step": 4, "layer": 1, "counts": [[8, 2], [8, 2]]}
            {"layer": 2, "counts": [[5, 5], [5, 5]], "step": 4}
            {"step": 6, "layer": 1, "counts": [[5, 5], [5, 5]]}
            """);
    assertThat(result.samples()).isEqualTo(1); // step 4 warms up
    assertThat(summary(result, "none").load()).isEqualTo(1);
  }

  @Test
  void tracesThatChangeSizeOrGoBackAreRefused(@TempDir Path directory) {
    assertThatThrownBy(
            () -> trace(directory, "{\"counts\": [[1, 2], [3, 4]]}\n{\"counts\": [[1, 2]]}"))
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("line 2: 1 ranks and 2 experts, the first matrix has 2 and 2");
    assertThatThrownBy(
            () ->
                trace(
                    directory,
                    "{\"step\": 2, \"counts\": [[1]]}\n{\"step\": 1, \"counts\": [[1]]}"))
        .hasMessageContaining("line 2: step 1 comes after step 2. Sort the trace by step.");
    assertThatThrownBy(() -> trace(directory, "{\"step\": -1, \"counts\": [[1]]}"))
        .hasMessageContaining("\"step\" is -1");
    assertThatThrownBy(() -> trace(directory, "")).hasMessageContaining("holds no counts");
  }

  private static SimulationResult trace(Path directory, String json) throws IOException {
    Path file = Files.writeString(directory.resolve("trace.jsonl"), json);
    try (SampleSource source = new TraceSource(CountsInput.openTrace("--trace", file.toString()))) {
      return new Simulation(options(2, 1), source).run(done -> {});
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertThatThrownBy(() -> run(WorkloadKind.W0, 2, 1, 33))
        .hasMessageContaining("--slots-per-rank must be in [1, 32], was 33");
    assertThatThrownBy(
            () ->
                new SimulationOptions(
                    List.of("best"),
                    List.of(1),
                    BalanceOptions.EXACT.withRanksPerNode(1),
                    new CostModel.ExpertSize(1, 1),
                    CostFile.defaults(),
                    1,
                    1,
                    1))
        .hasMessageContaining("--planners: best is none of [none, bin-packing, one-shot");
    WorkloadOptions large = new WorkloadOptions(1024, 2048, 1, 1, 1, 1, 1, 0, 1, 1);
    assertThatThrownBy(
            () -> new Simulation(options(1, 17), new SyntheticWorkload(WorkloadKind.W0, large)))
        .hasMessageContaining("= 17825792 entries; the limit is 16777216");
    WorkloadOptions endless = new WorkloadOptions(1, 1, 1, 1, 1000, 1_000_000, 1, 0, 1, 1);
    assertThatThrownBy(
            () -> new Simulation(options(1, 1), new SyntheticWorkload(WorkloadKind.W0, endless)))
        .hasMessageContaining("Lower --steps");
  }
}
