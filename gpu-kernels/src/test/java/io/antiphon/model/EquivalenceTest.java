package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.plan.PlannerKind;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** ECHO on or off, and any number of ranks, train the same model. */
class EquivalenceTest {
  private static final TestRun.Layout FOUR_RANKS = new TestRun.Layout(4, 4, 8, 2);
  private static final int STEPS = 20;

  static Stream<MoeOptions> echo() {
    return Stream.of(
        TestModels.moe(1, PlannerKind.BIN_PACKING),
        TestModels.moe(1, PlannerKind.ONE_SHOT),
        TestModels.moe(2, PlannerKind.ONE_SHOT),
        TestModels.moe(1, PlannerKind.BALANCED),
        TestModels.moe(2, PlannerKind.BALANCED));
  }

  @ParameterizedTest
  @MethodSource("echo")
  void clonesChangeNothingInDoublePrecision(MoeOptions echo) {
    TestRun plain = run64(TestModels.model(TestModels.withoutEcho()), FOUR_RANKS, 1);
    TestRun cloned = run64(TestModels.model(echo), FOUR_RANKS, 1);

    assertThat(clones(cloned)).as("clones in use").isPositive();
    assertSameRouting(plain, cloned);
    RunComparison.assertGradients(plain.gradients(), cloned.gradients(), 1e-12);
    RunComparison.assertLosses(
        run64(TestModels.model(TestModels.withoutEcho()), FOUR_RANKS, STEPS),
        run64(TestModels.model(echo), FOUR_RANKS, STEPS),
        1e-9);
  }

  static Stream<Arguments> layouts() {
    return Stream.of(
        Arguments.of(new TestRun.Layout(1, 1, 8, 2), TestModels.withoutEcho()),
        Arguments.of(new TestRun.Layout(2, 2, 8, 2), TestModels.moe(1, PlannerKind.ONE_SHOT)),
        Arguments.of(new TestRun.Layout(4, 2, 8, 1), TestModels.moe(1, PlannerKind.BIN_PACKING)),
        Arguments.of(new TestRun.Layout(4, 1, 8, 2), TestModels.withoutEcho()),
        Arguments.of(new TestRun.Layout(4, 4, 8, 1), TestModels.moe(2, PlannerKind.ONE_SHOT)),
        Arguments.of(new TestRun.Layout(2, 2, 8, 2), TestModels.moe(1, PlannerKind.BALANCED)),
        Arguments.of(new TestRun.Layout(4, 2, 8, 1), TestModels.moe(2, PlannerKind.BALANCED)));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void anyNumberOfRanksTrainsTheSameModel(TestRun.Layout layout, MoeOptions moe) {
    ModelOptions reference = TestModels.model(TestModels.withoutEcho());
    TestRun four = run64(reference, FOUR_RANKS, 1);
    TestRun other = run64(TestModels.model(moe), layout, 1);
    assertSameExpertCounts(four, other);
    RunComparison.assertGradients(four.gradients(), other.gradients(), 1e-12);
    RunComparison.assertLosses(
        run64(reference, FOUR_RANKS, STEPS), run64(TestModels.model(moe), layout, STEPS), 1e-9);
  }

  /**
   * In fp32 a sum of n terms may be off by about sqrt(n) roundings; a loss sums some hundred tokens
   * over dot products of some dozen terms, and 20 steps of AdamW carry the differences on. 64
   * roundings relative to the loss bound both.
   */
  @Test
  void clonesAndRanksChangeRoundingOnlyInSinglePrecision() {
    double tolerance = 64 * Math.ulp(1.0f);
    TestRun plain = run32(TestModels.model(TestModels.withoutEcho()), FOUR_RANKS);
    TestRun cloned =
        run32(TestModels.model(TestModels.moe(1, PlannerKind.BIN_PACKING)), FOUR_RANKS);
    TestRun single =
        run32(TestModels.model(TestModels.withoutEcho()), new TestRun.Layout(1, 1, 8, 2));
    RunComparison.assertLosses(plain, cloned, tolerance);
    RunComparison.assertLosses(plain, single, tolerance);
  }

  @Test
  void aSecondRunHasTheSameBits() {
    ModelOptions model = TestModels.model(TestModels.moe(1, PlannerKind.BIN_PACKING));
    TestRun first = run32(model, FOUR_RANKS);
    TestRun second = run32(model, FOUR_RANKS);
    assertThat(second.losses()).isEqualTo(first.losses());
    assertThat(second.auxLosses()).isEqualTo(first.auxLosses());
  }

  @Test
  void recomputeHasTheSameBits() {
    ModelOptions kept = TestModels.model(TestModels.moe(1, PlannerKind.BIN_PACKING));
    ModelOptions recomputed = ModelBuilder.from(kept).recompute().build();
    assertThat(run32(recomputed, FOUR_RANKS).losses()).isEqualTo(run32(kept, FOUR_RANKS).losses());
  }

  @Test
  void theRunsDescendSoThatTheComparisonsMeanSomething() {
    TestRun run = run64(TestModels.model(TestModels.withoutEcho()), FOUR_RANKS, STEPS);
    assertThat(run.losses().get(STEPS - 1)).isLessThan(run.losses().get(0) - 0.1);
  }

  private static TestRun run64(ModelOptions model, TestRun.Layout layout, int steps) {
    return TestRun.of(model, layout, steps, TestDevice.F64);
  }

  private static TestRun run32(ModelOptions model, TestRun.Layout layout) {
    return TestRun.of(model, layout, STEPS, TestDevice.F32);
  }

  private static long clones(TestRun run) {
    return run.records().get(0).loads(0, 0).clones() + run.records().get(0).loads(0, 1).clones();
  }

  private static void assertSameRouting(TestRun expected, TestRun actual) {
    for (int layer = 0; layer < 2; layer++) {
      StepRecord.Loads plain = expected.records().get(0).loads(0, layer);
      StepRecord.Loads other = actual.records().get(0).loads(0, layer);
      assertThat(other.expertCounts()).isEqualTo(plain.expertCounts());
      assertThat(other.before()).isEqualTo(plain.before());
    }
  }

  private static void assertSameExpertCounts(TestRun expected, TestRun actual) {
    for (int layer = 0; layer < 2; layer++) {
      assertThat(expertCounts(actual, layer)).isEqualTo(expertCounts(expected, layer));
    }
  }

  private static long[] expertCounts(TestRun run, int layer) {
    long[] counts = new long[TestModels.EXPERTS];
    for (int group = 0; group < run.records().get(0).expertGroups(); group++) {
      long[] part = run.records().get(0).loads(group, layer).expertCounts();
      for (int expert = 0; expert < counts.length; expert++) {
        counts[expert] += part[expert];
      }
    }
    return counts;
  }
}
