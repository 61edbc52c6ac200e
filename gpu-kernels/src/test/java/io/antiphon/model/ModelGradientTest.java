package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.antiphon.tensor.Backend;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.Tensor;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of the whole model against central differences of its objective, in fp64. */
class ModelGradientTest {
  private static final double STEP = 1e-5;
  private static final int PROBES_PER_PARAMETER = 6;

  static Stream<ModelOptions> models() {
    MoeOptions plain = TestModels.withoutEcho();
    ModelOptions base = TestModels.model(plain);
    RouterOptions router = TestModels.router(3, ScoreFunction.SOFTMAX_OF_CHOSEN, 0);
    MoeOptions shared = new MoeOptions(8, 7, 9, router, EchoOptions.NONE);
    return Stream.of(
        base,
        ModelBuilder.from(base).tiedHead().denseLayers(1).build(),
        ModelBuilder.from(base).moe(shared).recompute().build());
  }

  @ParameterizedTest
  @MethodSource("models")
  void gradientsAreThoseOfTheObjective(ModelOptions model) {
    RankThreads.run(
        1,
        1,
        TestDevice.F64,
        (backend, groups) -> {
          check(model, backend, groups);
          return 0;
        });
  }

  private static void check(ModelOptions model, Backend backend, Groups groups) {
    BatchOptions batch = new BatchOptions(4, 2, 2, TestModels.SEQUENCE);
    int[] tokens = TestModels.sequences(0, 4);
    HostValues values = new HostValues(backend.hostIo());
    try (ModelState state = new ModelState(backend, model, 0, 1);
        TrainingStep step =
            new TrainingStep(
                state, groups, batch, TestModels.update(0), 200, RecordOptions.keeping(1))) {
      Objective objective = new Objective(state, step, tokens);
      objective.evaluate();
      Map<String, double[]> gradients = TestRun.gradients(backend, state);
      SplittableRandom random = new SplittableRandom(5);
      for (Parameter parameter : state.registry().parameters()) {
        Tensor master = parameter.tensors().master();
        double[] weights = values.doubles(master);
        double[] gradient = expected(parameter, gradients);
        for (int probe = 0; probe < PROBES_PER_PARAMETER; probe++) {
          int at = random.nextInt(weights.length);
          double kept = weights[at];
          weights[at] = kept + STEP;
          values.write(master, weights);
          double above = objective.evaluate();
          weights[at] = kept - STEP;
          values.write(master, weights);
          double below = objective.evaluate();
          weights[at] = kept;
          values.write(master, weights);
          double difference = (above - below) / (2 * STEP);
          assertThat(gradient[at])
              .as("%s[%d] of %s", parameter.name(), at, model)
              .isCloseTo(difference, within(1e-7 + 1e-5 * Math.abs(difference)));
        }
      }
    }
  }

  private static double[] expected(Parameter parameter, Map<String, double[]> gradients) {
    if (parameter.sharding() == Parameter.Sharding.REPLICATED) {
      return Objects.requireNonNull(gradients.get(parameter.name()));
    }
    int each = (int) parameter.shape().rowElements();
    double[] all = new double[(int) parameter.shape().elements()];
    for (int expert = 0; expert < parameter.shape().intExtent(0); expert++) {
      double[] own = Objects.requireNonNull(gradients.get(parameter.expertName(expert)));
      System.arraycopy(own, 0, all, expert * each, each);
    }
    return all;
  }

  /** Loss and router losses of one batch; the learning rate is zero, so the weights stay. */
  private static final class Objective {
    private final ModelState state;
    private final TrainingStep step;
    private final int[] tokens;

    Objective(ModelState state, TrainingStep step, int[] tokens) {
      this.state = state;
      this.step = step;
      this.tokens = tokens;
    }

    double evaluate() {
      state.refreshWeights();
      long replay = step.replays();
      step.replay(tokens, false);
      StepRecord record = step.read(replay);
      return record.loss()
          + record.value(StepRecord.Field.AUX_LOSS)
          + record.value(StepRecord.Field.Z_LOSS);
    }
  }
}
