package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.kernel.CudaBackend;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole training steps as graphs on a CUDA device, all ranks sharing device 0. */
@Tag("gpu")
@Timeout(120)
class CudaTrainingTest {
  private static final TestDevice FP32 = TestDevice.cuda(DType.F32);
  private static final TestDevice BF16 = TestDevice.cuda(DType.BF16);
  private static final int STEPS = 20;

  /** Tolerance that {@link EquivalenceTest} derives for fp32 on the CPU. */
  private static final double FP32_TOLERANCE = 64 * Math.ulp(1.0f);

  private static TestRun run(TestDevice device, ModelOptions model, TestRun.Layout layout) {
    return TestRun.of(model, layout, STEPS, device);
  }

  private static final TestRun.Layout ONE_RANK = new TestRun.Layout(1, 1, 8, 2);
  private static final TestRun.Layout FOUR_RANKS = new TestRun.Layout(4, 4, 8, 2);

  static Stream<ModelOptions> models() {
    return Stream.of(
        TestModels.model(TestModels.withoutEcho()), TestModels.wide(TestModels.withoutEcho()));
  }

  @ParameterizedTest
  @MethodSource("models")
  void fp32LossesAndGradientsAreThoseOfTheOracle(ModelOptions model) {
    TestRun expected = TestRun.of(model, ONE_RANK, 1, TestDevice.F64);
    TestRun actual = TestRun.of(model, ONE_RANK, 1, FP32);
    RunComparison.assertLosses(expected, actual, 1e-6);
    RunComparison.assertGradients(expected.gradients(), actual.gradients(), 2e-5);
    RunComparison.assertLosses(
        TestRun.of(model, ONE_RANK, STEPS, TestDevice.F64), run(FP32, model, ONE_RANK), 1e-4);
  }

  /**
   * The loss is a mean over about a hundred tokens of terms that went through some dozen roundings
   * to bf16 (2^-9 relative each, in random directions) in each of two layers.
   */
  @ParameterizedTest
  @MethodSource("models")
  void bf16LossesFollowTheOracle(ModelOptions model) {
    TestRun expected = TestRun.of(model, ONE_RANK, STEPS, TestDevice.F64);
    TestRun actual = run(BF16, model, ONE_RANK);
    RunComparison.assertLosses(expected, actual, 0.01);
    assertThat(actual.losses().get(STEPS - 1)).isLessThan(actual.losses().get(0) - 0.1);
  }

  static Stream<Arguments> echo() {
    return Stream.of(
        Arguments.of(FOUR_RANKS, TestModels.moe(1, PlannerKind.BIN_PACKING)),
        Arguments.of(FOUR_RANKS, TestModels.moe(2, PlannerKind.ONE_SHOT)),
        Arguments.of(FOUR_RANKS, TestModels.moe(1, PlannerKind.BALANCED)),
        Arguments.of(FOUR_RANKS, TestModels.reusing(2)),
        Arguments.of(new TestRun.Layout(2, 2, 8, 2), TestModels.moe(2, PlannerKind.BALANCED)),
        Arguments.of(new TestRun.Layout(4, 2, 8, 1), TestModels.moe(1, PlannerKind.BALANCED)),
        Arguments.of(new TestRun.Layout(8, 8, 8, 1), TestModels.moe(1, PlannerKind.BALANCED)),
        Arguments.of(new TestRun.Layout(8, 4, 8, 1), TestModels.moe(2, PlannerKind.BALANCED)));
  }

  @ParameterizedTest
  @MethodSource("echo")
  void clonesAndRanksChangeRoundingOnly(TestRun.Layout layout, MoeOptions moe) {
    for (boolean wide : new boolean[] {false, true}) {
      TestRun one = run(FP32, model(wide, TestModels.withoutEcho()), ONE_RANK);
      TestRun many = run(FP32, model(wide, TestModels.withoutEcho()), layout);
      TestRun cloned = run(FP32, model(wide, moe), layout);
      assertThat(clones(cloned)).as("clones in use").isPositive();
      RunComparison.assertLosses(one, many, FP32_TOLERANCE);
      RunComparison.assertLosses(one, cloned, FP32_TOLERANCE);
    }
  }

  @ParameterizedTest
  @MethodSource("echo")
  void bf16RanksWithClonesFollowOneRank(TestRun.Layout layout, MoeOptions moe) {
    TestRun one = run(BF16, TestModels.wide(TestModels.withoutEcho()), ONE_RANK);
    TestRun cloned = run(BF16, TestModels.wide(moe), layout);
    assertThat(clones(cloned)).as("clones in use").isPositive();
    RunComparison.assertLosses(one, cloned, 0.01);
  }

  @Test
  void aSecondRunHasTheSameBits() {
    for (TestDevice device : List.of(FP32, BF16)) {
      ModelOptions model = TestModels.wide(TestModels.moe(2, PlannerKind.BALANCED));
      TestRun first = run(device, model, FOUR_RANKS);
      TestRun second = run(device, model, FOUR_RANKS);
      assertThat(second.losses()).isEqualTo(first.losses());
      assertThat(second.auxLosses()).isEqualTo(first.auxLosses());
      first
          .gradients()
          .forEach((name, values) -> assertThat(second.gradients().get(name)).isEqualTo(values));
    }
  }

  @Test
  void recomputeHasTheSameBits() {
    for (TestDevice device : List.of(FP32, BF16)) {
      ModelOptions kept = TestModels.wide(TestModels.moe(1, PlannerKind.BALANCED));
      ModelOptions recomputed = ModelBuilder.from(kept).recompute().build();
      assertThat(run(device, recomputed, FOUR_RANKS).losses())
          .isEqualTo(run(device, kept, FOUR_RANKS).losses());
    }
  }

  /** Overflow, then the same batches again with larger buffers. */
  @Test
  void aRerunAfterAnOverflowHasTheSameBits() {
    for (TestDevice device : List.of(FP32, BF16)) {
      ModelOptions model = TestModels.wide(TestModels.moe(1, PlannerKind.BALANCED));
      List<Double> expected = run(device, model, FOUR_RANKS).losses();
      List<List<Double>> ranks =
          RankThreads.run(4, 4, device, (backend, groups) -> overflowing(model, backend, groups));
      assertThat(ranks).allSatisfy(losses -> assertThat(losses).isEqualTo(expected));
    }
  }

  private static List<Double> overflowing(
      ModelOptions model, io.antiphon.tensor.Backend backend, Groups groups) {
    BatchOptions batch = FOUR_RANKS.batch();
    List<Double> losses = new ArrayList<>();
    try (ModelState state = new ModelState(backend, model, groups.experts().rank(), 4)) {
      try (TrainingStep tight =
          new TrainingStep(
              state, groups, batch, TestModels.update(0.01), 5, RecordOptions.keeping(4))) {
        for (int i = 0; i < 3; i++) {
          tight.replay(TestModels.rankBatch(batch, i, groups.world().rank(), 4), false);
        }
        for (int i = 0; i < 3; i++) {
          assertThat(tight.read(i).value(StepRecord.Field.OVERFLOW)).isEqualTo(1);
        }
        state.clearOverflow();
      }
      long replays = 3;
      try (TrainingStep ample =
          new TrainingStep(
              state, groups, batch, TestModels.update(0.01), 400, RecordOptions.keeping(4))) {
        for (int i = 0; i < STEPS; i++) {
          ample.replay(TestModels.rankBatch(batch, i, groups.world().rank(), 4), false);
          losses.add(ample.read(replays + i).loss());
        }
      }
    }
    return losses;
  }

  @Test
  void aStepInSteadyStateIsOneCopyAndOneLaunch() {
    ModelOptions model = TestModels.wide(TestModels.moe(1, PlannerKind.BALANCED));
    RankThreads.run(
        4,
        4,
        BF16,
        (backend, groups) -> {
          BatchOptions batch = FOUR_RANKS.batch();
          try (ModelState state = new ModelState(backend, model, groups.experts().rank(), 4);
              TrainingStep step =
                  new TrainingStep(
                      state,
                      groups,
                      batch,
                      TestModels.update(0.01),
                      400,
                      RecordOptions.keeping(3))) {
            CudaBackend cuda = (CudaBackend) backend;
            for (int i = 0; i < 5; i++) {
              step.replay(TestModels.rankBatch(batch, i, groups.world().rank(), 4), false);
              step.read(i);
            }
            var before = cuda.cudaCalls().counts();
            for (int i = 5; i < 15; i++) {
              step.replay(TestModels.rankBatch(batch, i, groups.world().rank(), 4), false);
              step.read(i);
            }
            var after = cuda.cudaCalls().counts();
            after.replaceAll((call, count) -> count - before.getOrDefault(call, 0L));
            after.values().removeIf(count -> count == 0);
            assertThat(after)
                .containsOnlyKeys(
                    "cuMemcpyHtoDAsync", "cuGraphLaunch", "cuEventRecord", "cuEventQuery")
                .containsEntry("cuMemcpyHtoDAsync", 10L)
                .containsEntry("cuGraphLaunch", 10L);
            return true;
          }
        });
  }

  private static ModelOptions model(boolean wide, MoeOptions moe) {
    return wide ? TestModels.wide(moe) : TestModels.model(moe);
  }

  private static long clones(TestRun run) {
    return run.records().get(0).loads(0, 0).clones() + run.records().get(0).loads(0, 1).clones();
  }
}
