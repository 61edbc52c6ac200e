package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.cpu.OpArgument.Access;
import io.antiphon.cpu.OpArgument.Trait;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.StepGraph;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * Holds a backend against the oracle, case by case.
 *
 * <p>The tolerance is derived, not tuned. With {@code d} what a result moves by if every input is
 * off by one epsilon of its own size or of the typical size in its tensor, in random directions,
 * and {@code m} the largest element of the result, {@code n} roundings that know nothing of each
 * other give an error of about {@code epsilon * sqrt(n) * (d + m)}. {@code d} is measured on the
 * oracle.
 */
public final class OpParity {
  private static final int PERTURBATIONS = 16;
  private static final double PERTURBATION = 0x1p-20;

  private OpParity() {}

  /**
   * Fails unless {@code subject} computes {@code opCase} as the oracle does, reads nothing that is
   * out of play, and writes nothing but the results.
   */
  public static void check(OpCase opCase, Backend subject, long seed) {
    check(opCase, subject, seed, OpBench.ODD_GUARD);
  }

  /**
   * Does what {@link #check(OpCase, Backend, long)} does, with the subject's tensors {@code guard}
   * elements into their storage: a power of two gives addresses that vector instructions can use.
   */
  public static void check(OpCase opCase, Backend subject, long seed, int guard) {
    try (CpuBackend oracle = CpuBackend.f64();
        OpBench expected = new OpBench(oracle, opCase);
        OpBench actual = new OpBench(subject, opCase, guard)) {
      Draw draw = inputs(opCase, expected, actual, seed);
      run(expected, draw);
      Draw wanted = expected.read();
      run(actual, draw);
      Draw computed = actual.read();
      double roundings = Math.min(opCase.roundings(), mostRoundings(subject));
      Draw tolerances = tolerances(opCase, expected, draw, wanted, roundings, epsilon(subject));
      for (OpArgument argument : opCase.arguments()) {
        if (argument.isResult()) {
          compare(opCase, seed, argument, draw, wanted, computed, tolerances);
        }
      }
    }
  }

  /** Values as the subject rounds them, and what the preparation makes of them. */
  private static Draw inputs(OpCase opCase, OpBench oracle, OpBench subject, long seed) {
    oracle.load(opCase.draw(seed));
    oracle.runPrepare();
    subject.load(oracle.read());
    return subject.read();
  }

  private static void run(OpBench bench, Draw draw) {
    bench.load(draw);
    Map<String, double[]> before = bench.image();
    bench.run();
    bench.requireOnlyResultsChanged(before, draw);
  }

  private static double epsilon(Backend backend) {
    return switch (backend.computeType()) {
      case F64 -> Math.ulp(1.0);
      case F32 -> Math.ulp(1.0f);
      case BF16 -> 0x1p-7;
      case I32, I64 -> throw new IllegalArgumentException(backend.description());
    };
  }

  /** Sums in bf16 mode are fp32: what is rounded to bf16 are operands and results. */
  private static double mostRoundings(Backend backend) {
    return backend.computeType() == DType.BF16 ? 9 : Double.POSITIVE_INFINITY;
  }

  private static Draw tolerances(
      OpCase opCase, OpBench oracle, Draw draw, Draw wanted, double roundings, double epsilon) {
    SplittableRandom random = new SplittableRandom(1);
    Draw squares = new Draw();
    opCase.arguments().forEach(a -> squares.put(a.name(), new double[wanted.of(a.name()).length]));
    for (int repeat = 0; repeat < PERTURBATIONS; repeat++) {
      oracle.load(perturbed(opCase, draw, random));
      oracle.run();
      for (OpArgument argument : opCase.arguments()) {
        double[] moved = oracle.read(argument.name());
        double[] sum = squares.of(argument.name());
        for (int i = 0; i < sum.length; i++) {
          double change = (moved[i] - wanted.of(argument.name())[i]) / PERTURBATION;
          sum[i] += change * change / PERTURBATIONS;
        }
      }
    }
    for (OpArgument argument : opCase.arguments()) {
      double[] values = squares.of(argument.name());
      double largest = largest(wanted.of(argument.name()), argument.live(draw));
      for (int i = 0; i < values.length; i++) {
        values[i] = epsilon * Math.sqrt(roundings) * (Math.sqrt(values[i]) + largest);
      }
    }
    return squares;
  }

  private static Draw perturbed(OpCase opCase, Draw draw, SplittableRandom random) {
    Draw perturbed = draw.copy();
    for (OpArgument argument : opCase.arguments()) {
      if (argument.kind().isRounded()
          && argument.access() != Access.WRITTEN
          && argument.trait() != Trait.DECISIVE) {
        double[] values = perturbed.of(argument.name());
        int live = argument.live(draw);
        double typical = rootMeanSquare(values, live);
        for (int i = 0; i < live; i++) {
          double size = Math.max(Math.abs(values[i]), typical);
          values[i] += (random.nextBoolean() ? 1 : -1) * PERTURBATION * size;
        }
      }
    }
    return perturbed;
  }

  private static double rootMeanSquare(double[] values, int length) {
    double squares = 0;
    for (int i = 0; i < length; i++) {
      squares += values[i] * values[i];
    }
    return Math.sqrt(squares / Math.max(1, length));
  }

  private static double largest(double[] values, int length) {
    double largest = 0;
    for (int i = 0; i < length; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    return largest;
  }

  private static void compare(
      OpCase opCase,
      long seed,
      OpArgument argument,
      Draw draw,
      Draw wanted,
      Draw computed,
      Draw tolerances) {
    boolean exact =
        argument.kind() == OpArgument.Kind.I32 || argument.kind() == OpArgument.Kind.I64;
    double[] expected = wanted.of(argument.name());
    double[] actual = computed.of(argument.name());
    for (int i = 0; i < argument.live(draw); i++) {
      double tolerance = exact ? 0 : tolerances.of(argument.name())[i];
      boolean close = Math.abs(actual[i] - expected[i]) <= tolerance; // false for NaN
      if (!close) {
        throw new AssertionError(
            String.format(
                "%s, seed %d: %s[%d] must be %s within %s, was %s",
                opCase, seed, argument.name(), i, expected[i], tolerance, actual[i]));
      }
    }
  }

  /**
   * Fails unless recording {@code opCase} runs nothing, and replays give the bits of fresh calls
   * whatever the tensors hold by then and whatever ran in between.
   *
   * @param between runs on the subject between recording and replay
   */
  public static void checkReplay(OpCase opCase, OpCase between, Backend subject, long... seeds) {
    try (CpuBackend oracle = CpuBackend.f64();
        OpBench prepared = new OpBench(oracle, opCase);
        OpBench replayed = new OpBench(subject, opCase);
        OpBench fresh = new OpBench(subject, opCase);
        OpBench other = new OpBench(subject, between)) {
      replayed.load(inputs(opCase, prepared, fresh, seeds[0]));
      Map<String, double[]> before = replayed.image();
      try (StepGraph graph = replayed.record()) {
        assertThat(graph.operations()).isEqualTo(1);
        requireSame(opCase + " recorded", before, replayed.image());
        for (long seed : seeds) {
          Draw draw = inputs(opCase, prepared, fresh, seed);
          fresh.load(draw);
          fresh.run();
          other.load(between.draw(seed));
          other.run();
          replayed.load(draw);
          graph.replay();
          requireSame(opCase + " replayed, seed " + seed, fresh.image(), replayed.image());
        }
      }
    }
  }

  private static void requireSame(
      String what, Map<String, double[]> expected, Map<String, double[]> actual) {
    expected.forEach(
        (name, values) ->
            assertThat(Objects.requireNonNull(actual.get(name)))
                .as("%s: %s", what, name)
                .isEqualTo(values));
  }

  /**
   * Fails unless every tensor of another type or shape is refused by name, with nothing run or
   * recorded.
   */
  public static void checkArguments(OpCase opCase, Backend subject) {
    try (OpBench bench = new OpBench(subject, opCase)) {
      bench.load(opCase.draw(1));
      Map<String, double[]> before = bench.image();
      for (OpArgument argument : opCase.arguments()) {
        if (argument.access() != Access.FORWARD_ONLY) {
          WrongArgument.of(argument, subject).forEach(wrong -> wrong.check(opCase, bench, subject));
        }
      }
      requireSame(opCase + " refused", before, bench.image());
    }
  }
}
