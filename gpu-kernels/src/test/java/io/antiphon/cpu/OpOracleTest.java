package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.cpu.OpArgument.Access;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The oracle itself: gradients against differences of the forward, and what is added or written.
 */
class OpOracleTest {
  private static final long SEED = 5;

  /** A power of two near the cube root of the epsilon, so that steps are exact. */
  private static final double STEP = 0x1p-17;

  private static final int PROBES = 17;

  static Stream<OpCase> backwards() {
    return OpCases.all().stream().filter(each -> !each.gradients().isEmpty());
  }

  static Stream<OpCase> adding() {
    return OpCases.all().stream()
        .filter(each -> each.arguments().stream().anyMatch(a -> a.access() == Access.ADDED));
  }

  /**
   * A central difference is off by some {@code c * step^2}. With twice the step it is off by four
   * times that, so the difference of the two bounds the error of either; the rounding of the
   * objective comes on top.
   */
  @ParameterizedTest(name = "{0}")
  @MethodSource("backwards")
  void gradientsAreDifferencesOfTheForward(OpCase opCase) {
    try (CpuBackend backend = CpuBackend.f64();
        OpBench bench = new OpBench(backend, opCase)) {
      bench.load(opCase.draw(SEED));
      bench.runPrepare();
      Draw draw = bench.read();
      for (OpArgument argument : opCase.arguments()) {
        if (argument.access() == Access.ADDED) {
          draw.put(argument.name(), new double[draw.of(argument.name()).length]);
        }
      }
      bench.load(draw);
      bench.run();
      Draw computed = bench.read();
      for (Map.Entry<String, String> gradient : opCase.gradients().entrySet()) {
        requireGradient(opCase, bench, draw, gradient.getKey(), gradient.getValue(), computed);
      }
    }
  }

  private static void requireGradient(
      OpCase opCase, OpBench bench, Draw draw, String input, String gradient, Draw computed) {
    int live = argument(opCase, gradient).live(draw);
    bench.load(draw);
    double rounding = objectiveSize(opCase, bench, draw) * Math.ulp(1.0) / STEP;
    int probes = Math.min(PROBES, live);
    for (int probe = 0; probe < probes; probe++) {
      int at = (int) ((long) probe * live / probes);
      double near = difference(opCase, bench, draw, input, at, STEP);
      double far = difference(opCase, bench, draw, input, at, 2 * STEP);
      assertThat(computed.of(gradient)[at])
          .as("%s, seed %d: %s[%d]", opCase, SEED, gradient, at)
          .isCloseTo(near, within(Math.abs(far - near) + rounding));
    }
  }

  private static double difference(
      OpCase opCase, OpBench bench, Draw draw, String input, int at, double step) {
    double[] moved = draw.of(input).clone();
    moved[at] = draw.of(input)[at] + step;
    bench.write(input, moved);
    double above = objective(opCase, bench, draw);
    moved[at] = draw.of(input)[at] - step;
    bench.write(input, moved);
    double below = objective(opCase, bench, draw);
    bench.write(input, draw.of(input));
    return (above - below) / (2 * step);
  }

  /** The outputs of the forward, each times its cotangent. */
  private static double objective(OpCase opCase, OpBench bench, Draw draw) {
    bench.runForward();
    double sum = 0;
    for (Map.Entry<String, String> output : opCase.cotangents().entrySet()) {
      double[] values = bench.read(output.getKey());
      double[] cotangent = draw.of(output.getValue());
      for (int i = 0; i < argument(opCase, output.getValue()).live(draw); i++) {
        sum += values[i] * cotangent[i];
      }
    }
    return sum;
  }

  private static double objectiveSize(OpCase opCase, OpBench bench, Draw draw) {
    bench.runForward();
    double sum = 0;
    for (Map.Entry<String, String> output : opCase.cotangents().entrySet()) {
      double[] values = bench.read(output.getKey());
      double[] cotangent = draw.of(output.getValue());
      for (int i = 0; i < argument(opCase, output.getValue()).live(draw); i++) {
        sum += Math.abs(values[i] * cotangent[i]);
      }
    }
    return sum;
  }

  private static OpArgument argument(OpCase opCase, String name) {
    return opCase.arguments().stream()
        .filter(argument -> argument.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Parity with the oracle then says the same of every backend. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("adding")
  void addsToWhatWasThere(OpCase opCase) {
    try (CpuBackend backend = CpuBackend.f64();
        OpBench bench = new OpBench(backend, opCase)) {
      bench.load(opCase.draw(SEED));
      bench.runPrepare();
      Draw before = bench.read();
      bench.load(before);
      bench.run();
      Draw added = bench.read();
      for (OpArgument argument : opCase.arguments()) {
        if (argument.access() == Access.ADDED) {
          Draw cleared = before.copy();
          cleared.put(argument.name(), new double[before.of(argument.name()).length]);
          bench.load(cleared);
          bench.run();
          double[] alone = bench.read(argument.name());
          for (int i = 0; i < alone.length; i++) {
            double sum = before.of(argument.name())[i] + alone[i];
            assertThat(added.of(argument.name())[i])
                .as("%s, seed %d: %s[%d]", opCase, SEED, argument.name(), i)
                .isCloseTo(sum, within(1e-12 * (1 + Math.abs(alone[i]))));
          }
        }
      }
    }
  }

  @Test
  void everyBackwardIsHeldAgainstDifferences() {
    Set<String> backwards =
        OpCases.all().stream()
            .map(OpCase::operation)
            .filter(name -> name.matches(".*(Backward|Dgrad|Wgrad)"))
            .collect(Collectors.toCollection(TreeSet::new));
    backwards.add("crossEntropy");
    backwards.add("routerLosses");
    assertThat(backwards().map(OpCase::operation).collect(Collectors.toSet())).isEqualTo(backwards);
  }
}
