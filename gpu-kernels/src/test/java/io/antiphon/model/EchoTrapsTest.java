package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The traps of docs/echo.md 5 that show in whole steps; those of the planner are tested there. */
class EchoTrapsTest {
  private static final int STEPS = 4;
  private static final TestRun.Layout FOUR_RANKS = new TestRun.Layout(4, 4, 8, 2);
  private static final long AMPLE = 400;
  private static final MoeOptions BIN_PACKING = TestModels.moe(1, PlannerKind.BIN_PACKING);

  /** What a rank had after some steps, and the last record. */
  private record Result(List<double[]> persistent, List<Double> losses, StepRecord last) {}

  private static MoeOptions with(
      MoeOptions base, ScoreFunction function, double biasRate, int sharedFfn) {
    return new MoeOptions(
        base.experts(),
        base.expertFfn(),
        sharedFfn,
        TestModels.router(base.topK(), function, biasRate),
        base.echo());
  }

  static Stream<Arguments> options() {
    TestRun.Layout two = new TestRun.Layout(2, 2, 8, 2);
    TestRun.Layout replicated = new TestRun.Layout(4, 2, 8, 2);
    ScoreFunction before = ScoreFunction.SOFTMAX;
    ScoreFunction after = ScoreFunction.SOFTMAX_OF_CHOSEN;
    MoeOptions two2 = TestModels.moe(2, PlannerKind.ONE_SHOT);
    MoeOptions asManyAsExperts = TestModels.moe(4, PlannerKind.ONE_SHOT);
    return Stream.of(
        Arguments.of("softmax of the chosen", FOUR_RANKS, with(BIN_PACKING, after, 0, 0)),
        Arguments.of("expert bias", FOUR_RANKS, with(two2, before, 0.01, 0)),
        Arguments.of("shared expert", FOUR_RANKS, with(two2, before, 0, 7)),
        Arguments.of("a slot per expert", two, with(asManyAsExperts, before, 0.01, 0)),
        Arguments.of("replicas, all options", replicated, with(two2, after, 0.01, 5)));
  }

  /** Auxiliary loss and expert bias come from home counts, so clones change nothing of them. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("options")
  void clonesChangeNothingWithAnyOption(String name, TestRun.Layout layout, MoeOptions moe) {
    MoeOptions none =
        new MoeOptions(
            moe.experts(), moe.expertFfn(), moe.sharedFfn(), moe.router(), EchoOptions.NONE);
    List<Result> plain = run(TestModels.model(none), layout, TestDevice.F64, AMPLE);
    List<Result> cloned = run(TestModels.model(moe), layout, TestDevice.F64, AMPLE);
    assertThat(clones(cloned.get(0).last)).as(name).isPositive();
    for (int rank = 0; rank < layout.ranks(); rank++) {
      assertClose(plain.get(rank), cloned.get(rank), 1e-9);
      for (int layer = 0; layer < 2; layer++) {
        StepRecord.Loads expected = plain.get(rank).last.loads(0, layer);
        StepRecord.Loads actual = cloned.get(rank).last.loads(0, layer);
        assertThat(actual.expertCounts()).isEqualTo(expected.expertCounts());
        assertThat(actual.before()).isEqualTo(expected.before());
      }
      StepRecord.Field aux = StepRecord.Field.AUX_LOSS;
      assertThat(cloned.get(rank).last.value(aux))
          .isCloseTo(plain.get(rank).last.value(aux), within(1e-9));
    }
  }

  /** Spec 3.4: reduced per micro-batch, or only the last micro-batch's clones would count. */
  @Test
  void cloneGradientsReduceOncePerMicroBatchOfAnAccumulation() {
    TestRun.Layout accumulating = new TestRun.Layout(2, 2, 8, 1);
    ModelOptions plain = TestModels.model(TestModels.withoutEcho());
    ModelOptions cloned = TestModels.model(TestModels.moe(2, PlannerKind.ONE_SHOT));
    List<Result> whole = run(plain, new TestRun.Layout(2, 2, 8, 4), TestDevice.F64, AMPLE);
    List<Result> parts = run(cloned, accumulating, TestDevice.F64, AMPLE);
    assertThat(clones(parts.get(0).last)).isPositive();
    for (int rank = 0; rank < 2; rank++) {
      assertClose(whole.get(rank), parts.get(rank), 1e-9);
    }
  }

  static Stream<TestRun.Layout> layouts() {
    return Stream.of(
        FOUR_RANKS,
        new TestRun.Layout(2, 2, 8, 2),
        new TestRun.Layout(4, 2, 8, 1),
        new TestRun.Layout(1, 1, 8, 8));
  }

  /** The tolerance of {@link EquivalenceTest}: 64 roundings relative to the loss. */
  @ParameterizedTest
  @MethodSource("layouts")
  void clonesAndRanksChangeRoundingOnlyInSinglePrecision(TestRun.Layout layout) {
    TestDevice f32 = TestDevice.F32;
    ModelOptions plain = TestModels.model(TestModels.withoutEcho());
    ModelOptions cloned = TestModels.model(TestModels.moe(2, PlannerKind.ONE_SHOT));
    List<Double> expected = run(plain, FOUR_RANKS, f32, AMPLE).get(0).losses;
    List<Double> actual = run(cloned, layout, f32, AMPLE).get(0).losses;
    for (int step = 0; step < STEPS; step++) {
      double loss = expected.get(step);
      double tolerance = 64 * (double) Math.ulp(1.0f) * loss;
      assertThat(actual.get(step)).as("step %d", step).isCloseTo(loss, within(tolerance));
    }
  }

  /** Planning again would record the loads twice. */
  @Test
  void recomputeTakesThePlanOfTheForwardAndTheSameBits() {
    ModelOptions kept = TestModels.model(with(BIN_PACKING, ScoreFunction.SOFTMAX, 0.01, 5));
    ModelOptions recomputed = ModelBuilder.from(kept).recompute().build();
    List<Result> expected = run(kept, FOUR_RANKS, TestDevice.F64, AMPLE);
    List<Result> actual = run(recomputed, FOUR_RANKS, TestDevice.F64, AMPLE);
    for (int rank = 0; rank < 4; rank++) {
      assertClose(expected.get(rank), actual.get(rank), 0);
      for (int layer = 0; layer < 2; layer++) {
        assertThat(actual.get(rank).last.loads(0, layer))
            .usingRecursiveComparison()
            .isEqualTo(expected.get(rank).last.loads(0, layer));
      }
    }
  }

  /** Silent overflow: all ranks see it, nothing persistent changes, a rerun loses nothing. */
  @Test
  void anOverflowWritesNothingAnywhereAndARerunIsExact() {
    ModelOptions model = TestModels.model(with(BIN_PACKING, ScoreFunction.SOFTMAX, 0.01, 0));
    BatchOptions batch = FOUR_RANKS.batch();
    List<Result> undisturbed = run(model, FOUR_RANKS, TestDevice.F64, AMPLE);
    List<Result> rerun =
        RankThreads.run(
            4,
            4,
            TestDevice.F64,
            (backend, groups) -> {
              try (ModelState state = new ModelState(backend, model, groups.experts().rank(), 4)) {
                List<Double> losses = new ArrayList<>();
                StepRecord last = overflow(backend, state, groups, batch);
                try (TrainingStep ample = step(state, groups, batch, AMPLE)) {
                  for (int i = 0; i < STEPS; i++) {
                    last = replay(ample, batch, groups, i);
                    losses.add(last.loss());
                  }
                }
                return new Result(persistent(backend, state), losses, last);
              }
            });
    for (int rank = 0; rank < 4; rank++) {
      assertClose(undisturbed.get(rank), rerun.get(rank), 0);
    }
  }

  /** Two replays with a row too few on the fullest rank, and the flag cleared. */
  private static StepRecord overflow(
      Backend backend, ModelState state, Groups groups, BatchOptions batch) {
    List<double[]> before = persistent(backend, state);
    long required;
    try (TrainingStep nothing = step(state, groups, batch, 0)) {
      required = (long) replay(nothing, batch, groups, 0).value(StepRecord.Field.REQUIRED_ROWS);
      state.clearOverflow();
    }
    StepRecord last;
    try (TrainingStep tight = step(state, groups, batch, required - 1)) {
      for (int i = 0; i < 2; i++) {
        last = replay(tight, batch, groups, i);
        assertThat(last.value(StepRecord.Field.OVERFLOW)).isEqualTo(1);
        assertThat(last.value(StepRecord.Field.APPLIED)).isZero();
        assertThat(last.value(StepRecord.Field.STEPS)).isZero();
        assertThat(last.value(StepRecord.Field.SKIPPED)).isZero();
      }
      last = replay(tight, batch, groups, 0);
    }
    assertThat((long) last.value(StepRecord.Field.REQUIRED_ROWS)).isGreaterThan(required - 1);
    assertSame(before, persistent(backend, state));
    state.clearOverflow();
    return last;
  }

  /** One expert of one rank is no number for one step: every rank skips, and training goes on. */
  @Test
  void aGradientThatIsNoNumberSkipsItsUpdateOnEveryRank() {
    ModelOptions model = TestModels.model(BIN_PACKING);
    BatchOptions batch = FOUR_RANKS.batch();
    List<Result> results =
        RankThreads.run(
            4,
            4,
            TestDevice.F64,
            (backend, groups) -> {
              try (ModelState state = new ModelState(backend, model, groups.experts().rank(), 4);
                  TrainingStep step = step(state, groups, batch, AMPLE)) {
                StepRecord good = replay(step, batch, groups, 0);
                assertThat(good.value(StepRecord.Field.UPDATES)).isEqualTo(1);
                List<double[]> before = persistent(backend, state);
                double[] weights = poison(backend, state, groups);
                List<double[]> poisoned = persistent(backend, state);
                StepRecord bad = replay(step, batch, groups, 1);
                assertThat(bad.value(StepRecord.Field.APPLIED)).isZero();
                assertThat(bad.value(StepRecord.Field.UPDATES)).isEqualTo(1);
                assertThat(bad.value(StepRecord.Field.SKIPPED)).isEqualTo(1);
                assertThat(bad.value(StepRecord.Field.STEPS)).isEqualTo(2);
                assertThat(bad.value(StepRecord.Field.OVERFLOW)).isZero();
                assertSame(poisoned, persistent(backend, state));
                restore(backend, state, weights);
                assertSame(before, persistent(backend, state));
                StepRecord next = replay(step, batch, groups, 2);
                assertThat(next.value(StepRecord.Field.APPLIED)).isEqualTo(1);
                assertThat(next.value(StepRecord.Field.UPDATES)).isEqualTo(2);
                return new Result(persistent(backend, state), List.of(next.loss()), next);
              }
            });
    double loss = results.get(0).losses.get(0);
    assertThat(results).allSatisfy(result -> assertThat(result.losses).containsExactly(loss));
    assertThat(loss).isFinite();
  }

  private static Tensor expertMaster(ModelState state) {
    return state.registry().parameters().stream()
        .filter(parameter -> parameter.sharding() == Parameter.Sharding.EXPERT)
        .findFirst()
        .orElseThrow()
        .tensors()
        .master();
  }

  private static double[] poison(Backend backend, ModelState state, Groups groups) {
    HostValues values = new HostValues(backend.hostIo());
    double[] weights = values.doubles(expertMaster(state));
    if (groups.world().rank() == 1) {
      double[] poisoned = weights.clone();
      Arrays.fill(poisoned, Double.NaN);
      values.write(expertMaster(state), poisoned);
      state.refreshWeights();
    }
    return weights;
  }

  private static void restore(Backend backend, ModelState state, double[] weights) {
    new HostValues(backend.hostIo()).write(expertMaster(state), weights);
    state.refreshWeights();
  }

  /** With a capacity between the loads after and before planning, only planning fits. */
  @Test
  void evaluationPlansAsTrainingDoes() {
    BatchOptions batch = FOUR_RANKS.batch();
    EvaluationStep.Result plain = evaluate(TestModels.withoutEcho(), batch, AMPLE);
    EvaluationStep.Result planned = evaluate(BIN_PACKING, batch, AMPLE);
    assertThat(planned.requiredRows()).isLessThan(plain.requiredRows());
    assertThat(planned.targets()).isEqualTo(plain.targets());
    assertThat(planned.lossSum()).isCloseTo(plain.lossSum(), within(1e-9));
    long between = planned.requiredRows();
    assertThat(evaluate(BIN_PACKING, batch, between)).isEqualTo(planned);
    EvaluationStep.Result tooTight = evaluate(TestModels.withoutEcho(), batch, between);
    assertThat(tooTight.overflow()).isTrue();
    assertThat(tooTight.requiredRows()).isGreaterThan(between);
  }

  private static EvaluationStep.Result evaluate(MoeOptions moe, BatchOptions batch, long capacity) {
    ModelOptions model = TestModels.model(moe);
    List<EvaluationStep.Result> results =
        RankThreads.run(
            4,
            4,
            TestDevice.F64,
            (backend, groups) -> {
              try (ModelState state = new ModelState(backend, model, groups.experts().rank(), 4);
                  EvaluationStep step = new EvaluationStep(state, groups, batch, capacity)) {
                List<double[]> before = persistent(backend, state);
                int[] tokens = TestModels.rankBatch(batch, 0, groups.world().rank(), 4);
                EvaluationStep.Result result = step.run(tokens);
                assertSame(before, persistent(backend, state));
                return result;
              }
            });
    assertThat(results).containsOnly(results.get(0));
    return results.get(0);
  }

  private static List<Result> run(
      ModelOptions model, TestRun.Layout layout, TestDevice backends, long capacity) {
    BatchOptions batch = layout.batch();
    return RankThreads.run(
        layout.ranks(),
        layout.expertRanks(),
        backends,
        (backend, groups) -> {
          int expertRank = groups.experts().rank();
          try (ModelState state =
                  new ModelState(backend, model, expertRank, groups.experts().ranks());
              TrainingStep step = step(state, groups, batch, capacity)) {
            List<Double> losses = new ArrayList<>();
            StepRecord last = replay(step, batch, groups, 0);
            losses.add(last.loss());
            for (int i = 1; i < STEPS; i++) {
              last = replay(step, batch, groups, i);
              losses.add(last.loss());
            }
            assertThat(last.value(StepRecord.Field.UPDATES)).isEqualTo(STEPS);
            return new Result(persistent(backend, state), losses, last);
          }
        });
  }

  private static TrainingStep step(
      ModelState state, Groups groups, BatchOptions batch, long capacity) {
    return new TrainingStep(
        state, groups, batch, TestModels.update(0.01), capacity, RecordOptions.keeping(1));
  }

  private static StepRecord replay(
      TrainingStep step, BatchOptions batch, Groups groups, int index) {
    long replay = step.replays();
    int rank = groups.world().rank();
    step.replay(TestModels.rankBatch(batch, index, rank, groups.world().ranks()), false);
    return step.read(replay);
  }

  /** Masters, weights, moments and expert biases. */
  private static List<double[]> persistent(Backend backend, ModelState state) {
    HostValues values = new HostValues(backend.hostIo());
    List<double[]> all = new ArrayList<>();
    for (ParameterRegistry.FlatGroup group : state.registry().groups()) {
      all.add(values.doubles(group.tensors().master()));
      all.add(values.doubles(group.tensors().weight()));
      all.add(values.doubles(group.tensors().firstMoment()));
      all.add(values.doubles(group.tensors().secondMoment()));
    }
    state.expertBiases().forEach(bias -> all.add(values.doubles(bias)));
    return all;
  }

  private static void assertSame(List<double[]> expected, List<double[]> actual) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("persistent tensor %d", i).isEqualTo(expected.get(i));
    }
  }

  private static void assertClose(Result expected, Result actual, double tolerance) {
    for (int i = 0; i < expected.losses.size(); i++) {
      assertThat(actual.losses.get(i)).isCloseTo(expected.losses.get(i), within(tolerance));
    }
    for (int i = 0; i < expected.persistent.size(); i++) {
      double[] one = expected.persistent.get(i);
      double[] other = actual.persistent.get(i);
      for (int j = 0; j < one.length; j++) {
        assertThat(other[j]).as("tensor %d[%d]", i, j).isCloseTo(one[j], within(tolerance));
      }
    }
  }

  private static long clones(StepRecord record) {
    return record.loads(0, 0).clones() + record.loads(0, 1).clones();
  }
}
