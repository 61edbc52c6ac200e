package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Clones that stay in their slots from one micro-batch to the next train the same model. */
class ReuseTest {
  private static final int STEPS = 20;

  /** Four micro-batches. */
  private static final TestRun.Layout TWO_RANKS = new TestRun.Layout(2, 2, 8, 1);

  private static final ModelOptions PLAIN = TestModels.model(TestModels.withoutEcho());

  static Stream<Arguments> layouts() {
    TestRun.Layout fourRanks = new TestRun.Layout(4, 4, 8, 1);
    TestRun.Layout replicated = new TestRun.Layout(4, 2, 8, 1);
    return Stream.of(
        Arguments.of(TWO_RANKS, 1, false),
        Arguments.of(TWO_RANKS, 2, true),
        Arguments.of(fourRanks, 1, true),
        Arguments.of(fourRanks, 2, false),
        Arguments.of(replicated, 1, false),
        Arguments.of(replicated, 2, true));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void reuseChangesNothingInDoublePrecision(TestRun.Layout layout, int slots, boolean recompute) {
    ModelBuilder model = ModelBuilder.from(TestModels.model(TestModels.reusing(slots)));
    ModelOptions reusing = recompute ? model.recompute().build() : model.build();
    TestRun plain = TestRun.of(PLAIN, layout, 1, TestDevice.F64);
    TestRun reused = TestRun.of(reusing, layout, 1, TestDevice.F64);
    assertReuse(reused);
    assertGradients(plain, reused);
    assertLosses(
        TestRun.of(PLAIN, layout, STEPS, TestDevice.F64),
        TestRun.of(reusing, layout, STEPS, TestDevice.F64),
        1e-9);
  }

  /** With more layers than gradient entries, and slots that backward would have to refill. */
  @Test
  void everyLayerKeepsItsOwnSlots() {
    ModelOptions plain = ModelBuilder.from(PLAIN).layers(5).build();
    ModelOptions reusing =
        ModelBuilder.from(TestModels.model(TestModels.reusing(2))).layers(5).build();
    TestRun expected = TestRun.of(plain, TWO_RANKS, 1, TestDevice.F64);
    TestRun actual = TestRun.of(reusing, TWO_RANKS, 1, TestDevice.F64);
    assertReuse(actual);
    assertGradients(expected, actual);
  }

  /** Of three layers, backward would refill the slots of the first. */
  @Test
  void savedBytesAreThoseOfTheClonesThatWereNotSent() {
    ModelOptions model =
        ModelBuilder.from(TestModels.model(TestModels.reusing(2))).layers(3).build();
    long cloneBytes = 3L * model.moe().expertFfn() * model.hidden() * DType.F64.bytes();
    for (StepRecord record : TestRun.of(model, TWO_RANKS, 3, TestDevice.F64).records()) {
      for (int layer = 0; layer < 3; layer++) {
        StepRecord.Loads loads = record.loads(0, layer);
        long refilled = layer == 0 ? loads.clones() : 0;
        assertThat(loads.clonesSent()).isBetween(1L, loads.clones());
        assertThat(loads.weightBytesSaved())
            .isEqualTo((loads.clones() - loads.clonesSent() + refilled) * cloneBytes);
      }
    }
  }

  @Test
  void withoutReuseEveryCloneIsSentAndNothingSaved() {
    ModelOptions model =
        ModelBuilder.from(TestModels.model(TestModels.moe(2, PlannerKind.BALANCED)))
            .layers(3)
            .build();
    StepRecord record = TestRun.of(model, TWO_RANKS, 1, TestDevice.F64).records().get(0);
    for (int layer = 0; layer < 3; layer++) {
      StepRecord.Loads loads = record.loads(0, layer);
      assertThat(loads.clonesSent()).isEqualTo(loads.clones()).isPositive();
      assertThat(loads.weightBytesSaved()).isZero();
    }
  }

  /** The tolerance of {@link EquivalenceTest}: 64 roundings relative to the loss. */
  @Test
  void reuseChangesRoundingOnlyInSinglePrecision() {
    TestDevice f32 = TestDevice.F32;
    TestRun reused = TestRun.of(TestModels.model(TestModels.reusing(2)), TWO_RANKS, STEPS, f32);
    assertReuse(reused);
    assertLosses(TestRun.of(PLAIN, TWO_RANKS, STEPS, f32), reused, 64 * Math.ulp(1.0f));
  }

  @Test
  void recomputeHasTheSameBits() {
    ModelOptions kept = TestModels.model(TestModels.reusing(2));
    ModelOptions recomputed = ModelBuilder.from(kept).recompute().build();
    assertThat(TestRun.of(recomputed, TWO_RANKS, STEPS, TestDevice.F64).losses())
        .isEqualTo(TestRun.of(kept, TWO_RANKS, STEPS, TestDevice.F64).losses());
  }

  /** A new training step over the same state stands for a resumed process or grown buffers. */
  @Test
  void stepsAfterAnOverflowOrAResumeHaveTheSameBits() {
    ModelOptions model = TestModels.model(TestModels.reusing(2));
    List<Double> expected = TestRun.of(model, TWO_RANKS, 6, TestDevice.F64).losses();
    BatchOptions batch = TWO_RANKS.batch();
    List<List<Double>> ranks =
        RankThreads.run(
            2,
            2,
            TestDevice.F64,
            (backend, groups) -> {
              List<Double> losses = new ArrayList<>();
              try (ModelState state = new ModelState(backend, model, groups.experts().rank(), 2)) {
                try (TrainingStep step = step(state, groups, batch, 400)) {
                  steps(step, groups, 0, 3, losses);
                }
                try (TrainingStep tight = step(state, groups, batch, 1)) {
                  StepRecord clipped = steps(tight, groups, 3, 4, new ArrayList<>());
                  assertThat(clipped.value(StepRecord.Field.OVERFLOW)).isEqualTo(1);
                  steps(tight, groups, 4, 5, new ArrayList<>());
                  state.clearOverflow();
                }
                try (TrainingStep ample = step(state, groups, batch, 400)) {
                  steps(ample, groups, 3, 6, losses);
                }
              }
              return losses;
            });
    assertThat(ranks).allSatisfy(losses -> assertThat(losses).isEqualTo(expected));
  }

  private static TrainingStep step(
      ModelState state, Groups groups, BatchOptions batch, long capacity) {
    return new TrainingStep(
        state, groups, batch, TestModels.update(0.01), capacity, RecordOptions.keeping(1));
  }

  private static StepRecord steps(
      TrainingStep step, Groups groups, int first, int end, List<Double> losses) {
    StepRecord last = null;
    for (int i = first; i < end; i++) {
      long replay = step.replays();
      step.replay(TestModels.rankBatch(TWO_RANKS.batch(), i, groups.world().rank(), 2), false);
      last = step.read(replay);
      losses.add(last.loss());
    }
    return Objects.requireNonNull(last);
  }

  /** Some clone was used again. */
  private static void assertReuse(TestRun run) {
    StepRecord record = run.records().get(0);
    long clones = 0;
    long sent = 0;
    for (int layer = 0; layer < 2; layer++) {
      clones += record.loads(0, layer).clones();
      sent += record.loads(0, layer).clonesSent();
    }
    assertThat(sent).as("clones sent").isPositive().isLessThan(clones);
  }

  /** Relative to the largest gradient of the same parameter. */
  private static void assertGradients(TestRun expected, TestRun actual) {
    assertThat(actual.gradients()).containsOnlyKeys(expected.gradients().keySet());
    expected
        .gradients()
        .forEach(
            (name, gradient) -> {
              double largest = 0;
              for (double value : gradient) {
                largest = Math.max(largest, Math.abs(value));
              }
              double[] other = Objects.requireNonNull(actual.gradients().get(name));
              for (int i = 0; i < gradient.length; i++) {
                assertThat(other[i])
                    .as("%s[%d]", name, i)
                    .isCloseTo(gradient[i], within(1e-12 * largest));
              }
            });
  }

  private static void assertLosses(TestRun expected, TestRun actual, double relative) {
    for (int step = 0; step < expected.losses().size(); step++) {
      double loss = expected.losses().get(step);
      assertThat(actual.losses().get(step))
          .as("loss of step %d", step)
          .isCloseTo(loss, within(relative * loss));
    }
  }

  @Test
  void onlyTheBalancedPlannerCanReuseClones() {
    assertThatThrownBy(() -> new EchoOptions(1, PlannerKind.ONE_SHOT, BalanceOptions.EXACT, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("planner one-shot cannot reuse clones");
  }
}
