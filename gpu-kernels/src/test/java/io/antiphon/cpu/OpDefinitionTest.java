package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What operations compute, in numbers worked out by hand: parity and differences would not notice
 * two backends, or a forward and its backward, that share a mistake.
 */
class OpDefinitionTest {
  private static final double CLOSE = 1e-6;

  static Stream<TestTensors> backends() {
    return Stream.of(new TestTensors(CpuBackend.f64()), new TestTensors(CpuBackend.f32(1)));
  }

  private static void assertClose(double[] actual, double... expected) {
    assertThat(actual).containsExactly(expected, within(CLOSE));
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aBatchIsSplitAtDocumentEnds(TestTensors t) {
    Tensor inputs = t.ints(0, 0, 0, 0, 0, 0);
    Tensor targets = t.ints(0, 0, 0, 0, 0, 0);
    Tensor starts = t.ints(0, 0, 0, 0, 0, 0);
    // 9 ends a document: nothing can tell what follows it.
    t.ops().prepareBatch(t.ints(4, 9, 5, 6, 9, 9, 7, 8).reshape(2, 4), 9, inputs, targets, starts);
    assertThat(t.longs(inputs)).containsExactly(4, 9, 5, 9, 9, 7);
    assertThat(t.longs(targets)).containsExactly(9, -1, 6, -1, -1, 8);
    assertThat(t.longs(starts)).containsExactly(0, 0, 2, 0, 1, 2);
    Tensor count = t.doubles(10);
    t.ops().countTargets(targets, count);
    assertThat(t.read(count)).containsExactly(13);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void anIdOutsideTheTableIsNamed(TestTensors t) {
    Tensor table = t.real(3, 2);
    assertThatThrownBy(() -> t.ops().embed(t.ints(3), table, t.real(1, 2)))
        .hasMessageContaining("token id must be in [0, 3), was 3");
    assertThatThrownBy(() -> t.ops().embedBackward(t.ints(-1), t.real(1, 2), table))
        .hasMessageContaining("was -1");
    assertThatThrownBy(() -> t.ops().crossEntropyLoss(t.real(1, 3), t.ints(3), t.of(DType.F64, 1)))
        .hasMessageContaining("target must be in [0, 3), was 3");
    assertThatThrownBy(() -> t.ops().countAssignments(t.ints(2).reshape(1, 1), t.of(DType.I32, 2)))
        .hasMessageContaining("expert must be in [0, 2), was 2");
  }

  @ParameterizedTest
  @MethodSource("backends")
  void moreRowsThanTheCapacityAreRefusedBeforeAnythingRuns(TestTensors t) {
    Tensor out = t.reals(5, 5).reshape(2, 1);
    assertThatThrownBy(() -> t.ops().expertSwiglu(t.real(2, 2), t.real(2), t.ints(1, 2), out))
        .hasMessageContaining("rowCounts must sum to at most 2 rows, was 3");
    assertThatThrownBy(() -> t.ops().expertSwiglu(t.real(2, 2), t.real(2), t.ints(3, -1), out))
        .hasMessageContaining("rowCounts of expert 1 must be >= 0, was -1");
    assertThat(t.read(out)).containsExactly(5, 5);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aMatrixProductIsRowsTimesColumns(TestTensors t) {
    Tensor a = t.reals(1, 2, 3, 4).reshape(2, 2);
    Tensor b = t.reals(5, 6, 7, 8).reshape(2, 2);
    Tensor c = t.real(2, 2);
    t.ops().gemm(false, false, a, b, false, c);
    assertClose(t.read(c), 19, 22, 43, 50);
    t.ops().gemm(true, false, a, b, false, c);
    assertClose(t.read(c), 26, 30, 38, 44);
    t.ops().gemm(false, true, a, b, false, c);
    assertClose(t.read(c), 17, 23, 39, 53);
    t.ops().gemm(true, true, a, b, true, c);
    assertClose(t.read(c), 17 + 23, 23 + 31, 39 + 34, 53 + 46);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aNormedRowHasAMeanSquareOfOne(TestTensors t) {
    Tensor y = t.real(1, 2);
    Tensor inverseRms = t.real(1);
    t.ops().rmsNorm(t.reals(3, 4).reshape(1, 2), t.reals(1, 10), 0, y, inverseRms);
    double rms = Math.sqrt(12.5);
    assertClose(t.read(y), 3 / rms, 40 / rms);
    assertClose(t.read(inverseRms), 1 / rms);
    t.ops().rmsNorm(t.reals(3, 4).reshape(1, 2), t.reals(1, 1), 12.5, y, inverseRms);
    assertClose(t.read(inverseRms), 0.2);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theGateIsTheFirstHalfOfARow(TestTensors t) {
    Tensor out = t.real(1, 2);
    Tensor gateUp = t.reals(1, 0, 2, 3).reshape(1, 4);
    t.ops().swiglu(gateUp, out);
    double silu = 1 / (1 + Math.exp(-1));
    assertClose(t.read(out), 2 * silu, 0);
    t.ops().expertSwiglu(gateUp, t.reals(0.5), t.ints(0, 1), out);
    assertClose(t.read(out), silu, 0);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void eachExpertUsesItsOwnWeightsHomesBeforeSlots(TestTensors t) {
    Tensor x = t.reals(1, 1, 1, 9).reshape(4, 1);
    Tensor y = t.reals(-1, -1, -1, -1).reshape(4, 1);
    var weights = new ExpertWeights(t.reals(2, 3).reshape(2, 1, 1), t.reals(5).reshape(1, 1, 1));
    t.ops().groupedGemm(x, weights, t.ints(1, 0, 2), y);
    assertClose(t.read(y), 2, 5, 5, -1);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aRotationTurnsByThePositionInsideTheDocument(TestTensors t) {
    // One pair per head, so the angle is the position itself.
    Tensor x = t.reals(1, 0, 1, 0, 1, 0, 1, 0).reshape(4, 1, 2);
    t.ops().rope(x, t.ints(0, 0, 2, 2), 4, 10000, false);
    double[] turned = {1, 0, Math.cos(1), Math.sin(1), 1, 0, Math.cos(1), Math.sin(1)};
    assertClose(t.read(x), turned);
    t.ops().rope(x, t.ints(0, 0, 2, 2), 4, 10000, true);
    assertClose(t.read(x), 1, 0, 1, 0, 1, 0, 1, 0);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void laterPairsOfAHeadTurnSlower(TestTensors t) {
    Tensor x = t.reals(0, 0, 0, 0, 1, 1, 0, 0).reshape(2, 1, 4);
    t.ops().rope(x, t.ints(0, 0), 2, 100, false);
    assertClose(
        Arrays.copyOfRange(t.read(x), 4, 8),
        Math.cos(1),
        Math.cos(0.1),
        Math.sin(1),
        Math.sin(0.1));
  }

  /** Two sequences of four tokens; the second has a document of its last two tokens. */
  @ParameterizedTest
  @MethodSource("backends")
  void aTokenSeesItsOwnDocumentUpToItself(TestTensors t) {
    Tensor q = t.reals(new double[16]).reshape(8, 2, 1); // equal scores: outputs are means
    Tensor k = t.real(8, 1, 1);
    Tensor v = t.reals(1, 2, 4, 8, 16, 32, 64, 128).reshape(8, 1, 1);
    Tensor out = t.real(8, 2, 1);
    Tensor logSumExp = t.real(8, 2);
    Tensor starts = t.ints(0, 0, 0, 0, 0, 0, 2, 2);
    t.ops().attention(new AttentionTensors(q, k, v, starts, 4, out, logSumExp));
    double[] means = {1, 1.5, 7 / 3.0, 3.75, 16, 24, 64, 96};
    double[] visible = {1, 2, 3, 4, 1, 2, 1, 2};
    for (int token = 0; token < 8; token++) {
      for (int head = 0; head < 2; head++) {
        assertThat(t.read(out)[2 * token + head]).isCloseTo(means[token], within(1e-5));
        assertThat(t.read(logSumExp)[2 * token + head])
            .isCloseTo(Math.log(visible[token]), within(CLOSE));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void scoresAreScaledAndHeadsOfAGroupShareKeys(TestTensors t) {
    // Four query heads of size 4 on two key-value heads; heads 0 and 1 read the first.
    double[] queries = new double[2 * 4 * 4];
    Arrays.fill(queries, 16, 32, 1);
    double[] keys = new double[2 * 2 * 4];
    Arrays.fill(keys, 0, 4, 1); // token 0, first key head: score 4 / sqrt(4) = 2
    double[] values = new double[2 * 2 * 4];
    Arrays.fill(values, 0, 4, 10);
    Arrays.fill(values, 4, 8, 20);
    Tensor out = t.real(2, 4, 4);
    t.ops()
        .attention(
            new AttentionTensors(
                t.reals(queries).reshape(2, 4, 4),
                t.reals(keys).reshape(2, 2, 4),
                t.reals(values).reshape(2, 2, 4),
                t.ints(0, 0),
                2,
                out,
                t.real(2, 4)));
    double share = 1 / (1 + Math.exp(-2));
    double[] second = Arrays.copyOfRange(t.read(out), 16, 32);
    for (int i = 0; i < 16; i++) {
      assertThat(second[i]).isCloseTo(i < 8 ? 10 * share : 10, within(1e-5));
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void expertsAreChosenBestFirstAndTheBiasOnlyDecides(TestTensors t) {
    Tensor logits = t.reals(1, 3, 2, 0).reshape(1, 4);
    Tensor bias = t.reals(0, 0, 0, 1);
    Tensor scores = t.real(1, 4);
    Tensor top = t.of(DType.I32, 1, 2);
    Tensor probs = t.real(1, 2);
    t.ops().route(logits, bias, new Routing(2, ScoreFunction.SOFTMAX), scores, top, probs);
    double sum = Math.exp(1) + Math.exp(3) + Math.exp(2) + 1;
    assertClose(t.read(scores), Math.E / sum, Math.exp(3) / sum, Math.exp(2) / sum, 1 / sum);
    assertThat(t.longs(top)).containsExactly(3, 1);
    assertClose(t.read(probs), 1 / sum, Math.exp(3) / sum);
    t.ops()
        .route(logits, bias, new Routing(2, ScoreFunction.SOFTMAX_OF_CHOSEN), scores, top, probs);
    assertThat(t.longs(top)).containsExactly(3, 1);
    assertClose(t.read(probs), 1 / (1 + Math.exp(3)), 1 / (1 + Math.exp(-3)));
  }

  @ParameterizedTest
  @MethodSource("backends")
  void tiesGoToTheLowestExpert(TestTensors t) {
    Tensor top = t.of(DType.I32, 2, 3);
    Tensor logits = t.reals(0, 1, 0, 1, 0, 2, 2, 2, 2, 2).reshape(2, 5);
    Routing routing = new Routing(3, ScoreFunction.SOFTMAX);
    t.ops().route(logits, t.real(5), routing, t.real(2, 5), top, t.real(2, 3));
    assertThat(t.longs(top)).containsExactly(1, 3, 0, 0, 1, 2);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void scoresThatAreNoNumbersStillChooseDifferentExperts(TestTensors t) {
    double nan = Double.NaN;
    double infinite = Double.POSITIVE_INFINITY;
    double[][] rows = {
      {nan, nan, nan}, {nan, 1, 2}, {infinite, 0, infinite}, {-infinite, -infinite, -infinite}
    };
    for (double[] row : rows) {
      for (ScoreFunction function : ScoreFunction.values()) {
        Routing routing = new Routing(3, function);
        Tensor top = t.of(DType.I32, 1, 3);
        Tensor logits = t.reals(row).reshape(1, 3);
        t.ops().route(logits, t.real(3), routing, t.real(1, 3), top, t.real(1, 3));
        assertThat(t.longs(top)).containsExactlyInAnyOrder(0, 1, 2);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aBalancedRouterHasAnAuxiliaryLossOfItsScale(TestTensors t) {
    Tensor losses = t.doubles(100, 200);
    Tensor top = t.ints(0, 1, 2, 3, 0, 1, 2, 3).reshape(4, 2);
    Tensor scores = t.reals(new double[16]).reshape(4, 4);
    double[] quarter = new double[16];
    Arrays.fill(quarter, 0.25);
    t.write(scores, quarter);
    Routing routing = new Routing(2, ScoreFunction.SOFTMAX);
    t.ops().routerLosses(t.real(4, 4), scores, top, routing, 2, 0.5, 3, t.real(4, 4), losses);
    // Two sequences, each balanced; four tokens with log-sum-exp ln(4).
    double z = Math.log(4);
    assertClose(t.read(losses), 100 + 2 * 0.5, 200 + 4 * 3 * z * z);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theLossIsInNatsAndItsGradientSharesTheGlobalCount(TestTensors t) {
    Tensor logits = t.real(3, 4);
    Tensor loss = t.doubles(1);
    t.ops().crossEntropy(logits, t.ints(2, -1, 0), t.doubles(10), loss);
    assertClose(t.read(loss), 1 + 2 * Math.log(4));
    assertClose(
        t.read(logits), 0.025, 0.025, -0.075, 0.025, 0, 0, 0, 0, -0.075, 0.025, 0.025, 0.025);
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theExpertBiasMovesTowardsTheMeanCount(TestTensors t) {
    StepState state = t.state();
    Tensor bias = t.reals(0, 1, 2);
    t.ops().updateExpertBias(t.doubles(3, 5, 4), 0.25, state, bias);
    assertClose(t.read(bias), 0.25, 0.75, 2);
    t.write(state.overflow(), 1);
    t.ops().updateExpertBias(t.doubles(3, 5, 4), 0.25, state, bias);
    assertClose(t.read(bias), 0.25, 0.75, 2);
  }

  /** A sum of rounded shares differs from the mean for many numbers of experts. */
  @ParameterizedTest
  @MethodSource("backends")
  void equalLoadsLeaveTheExpertBiasAlone(TestTensors t) {
    for (int experts = 1; experts <= 300; experts++) {
      double[] counts = new double[experts];
      Arrays.fill(counts, 7);
      Tensor bias = t.real(experts);
      t.ops().updateExpertBias(t.doubles(counts), 0.5, t.state(), bias);
      assertThat(t.read(bias)).as("%d experts", experts).containsOnly(0);
    }
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theFirstAdamStepIsTheLearningRateInTheDirectionOfTheGradient(TestTensors t) {
    StepState state = t.state();
    t.write(state.apply(), 1);
    t.write(state.learningRate(), 0.1);
    t.write(state.clipFactor(), 0.5);
    Tensor master = t.reals(1, 2);
    Tensor weight = t.real(2);
    Tensor first = t.real(2);
    Tensor second = t.real(2);
    AdamTensors tensors = new AdamTensors(master, t.reals(4, -8), first, second, weight);
    t.ops().adamW(tensors, new AdamOptions(0.9, 0.99, 0, 0.2), state);
    assertClose(t.read(first), 0.1 * 2, 0.1 * -4);
    assertClose(t.read(second), 0.01 * 4, 0.01 * 16);
    assertClose(t.read(master), 1 - 0.1 * (1 + 0.2 * 1), 2 - 0.1 * (-1 + 0.2 * 2));
    assertThat(t.read(weight)).isEqualTo(t.read(master));
  }

  @ParameterizedTest
  @MethodSource("backends")
  void theBiasCorrectionOfAdamFollowsTheAppliedUpdates(TestTensors t) {
    StepState state = t.state();
    t.write(state.counters(), 9, 1, 8, 10); // one applied so far, whatever was skipped
    t.write(state.apply(), 1);
    t.write(state.learningRate(), 1);
    t.write(state.clipFactor(), 1);
    Tensor master = t.reals(0);
    AdamTensors tensors = new AdamTensors(master, t.reals(1), t.reals(0.1), t.reals(0.01), master);
    t.ops().adamW(tensors, new AdamOptions(0.9, 0.99, 0, 0), state);
    double m = (0.9 * 0.1 + 0.1) / (1 - 0.81);
    double v = (0.99 * 0.01 + 0.01) / (1 - 0.9801);
    assertThat(t.read(master)[0]).isCloseTo(-m / Math.sqrt(v), within(1e-5));
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void aStepIsCommittedUnlessARankOverflowed(Outcome outcome) {
    TestTensors t = new TestTensors(CpuBackend.f64());
    StepState state = t.state();
    t.write(state.overflow(), outcome.overflow);
    ScheduleOptions schedule = new ScheduleOptions(0.4, 0.1, 4, 10);
    t.write(state.counters(), 1, 1, 0, 1);
    t.ops().decideUpdate(t.doubles(outcome.squaredNorm), 2, schedule, state);
    t.ops().commit(state);
    assertThat(t.longs(state.apply())).containsExactly(outcome.apply);
    assertThat(t.read(state.clipFactor())).containsExactly(outcome.clip);
    assertThat(t.read(state.learningRate())).containsExactly(0.2); // second of four of the warm-up
    assertThat(t.longs(state.counters())).containsExactly(outcome.counters.toArray(Long[]::new));
  }

  /**
   * @param counters afterwards: steps, updates, skipped, replays
   */
  private record Outcome(
      String name, double squaredNorm, int overflow, int apply, double clip, List<Long> counters) {}

  static Stream<Outcome> outcomes() {
    return Stream.of(
        new Outcome("applied", 1, 0, 1, 1, List.of(2L, 2L, 0L, 2L)),
        new Outcome("clipped", 16, 0, 1, 0.5, List.of(2L, 2L, 0L, 2L)),
        new Outcome("not a number", Double.NaN, 0, 0, 1, List.of(2L, 1L, 1L, 2L)),
        new Outcome("infinite", Double.POSITIVE_INFINITY, 0, 0, 1, List.of(2L, 1L, 1L, 2L)),
        new Outcome("overflow", 1, 3, 0, 1, List.of(1L, 1L, 0L, 2L)),
        new Outcome("both", Double.NaN, 1, 0, 1, List.of(1L, 1L, 0L, 2L)));
  }

  @ParameterizedTest
  @MethodSource("backends")
  void recordsGoRoundTheRingByReplays(TestTensors t) {
    StepState state = t.state();
    Tensor ring = t.of(DType.F64, 3, 2);
    for (int replay = 1; replay <= 5; replay++) {
      t.write(state.counters(), 0, 0, 0, replay);
      t.ops().push(t.doubles(replay, -replay), state, ring);
    }
    assertThat(t.read(ring)).containsExactly(4, -4, 5, -5, 3, -3);
  }
}
