package io.antiphon.model;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.ScoreFunction;
import java.util.Optional;
import java.util.SplittableRandom;

/** Small models and batches that the tests of this package share. */
final class TestModels {
  static final int VOCABULARY = 23;
  static final int END_OF_TEXT = 22;
  static final int SEQUENCE = 12;
  static final int EXPERTS = 8;

  private TestModels() {}

  /** Two layers, eight experts, top-2, a skewed router. */
  static ModelOptions model(MoeOptions moe) {
    return new ModelOptions(
        VOCABULARY,
        END_OF_TEXT,
        SEQUENCE,
        2,
        0,
        16,
        20,
        1e-5,
        false,
        false,
        Optional.of(new AttentionOptions(4, 2, 4, 10000)),
        new InitialWeights(0.2, 17),
        moe);
  }

  /** Does what {@link #model} does with sizes at which vectors and tensor cores come into play. */
  static ModelOptions wide(MoeOptions moe) {
    return ModelBuilder.from(model(new MoeOptions(EXPERTS, 32, 0, moe.router(), moe.echo())))
        .hidden(64)
        .attention(new AttentionOptions(2, 1, 64, 10000))
        .initialStd(0.1)
        .build();
  }

  static MoeOptions moe(int slotsPerRank, PlannerKind planner) {
    return moe(new EchoOptions(slotsPerRank, planner, BalanceOptions.EXACT, false));
  }

  /** The balanced planner, which keeps clones over the micro-batches of a step. */
  static MoeOptions reusing(int slotsPerRank) {
    return moe(new EchoOptions(slotsPerRank, PlannerKind.BALANCED, BalanceOptions.EXACT, true));
  }

  static MoeOptions withoutEcho() {
    return moe(EchoOptions.NONE);
  }

  private static MoeOptions moe(EchoOptions echo) {
    return new MoeOptions(EXPERTS, 10, 0, router(2, ScoreFunction.SOFTMAX, 0), echo);
  }

  static RouterOptions router(int topK, ScoreFunction function, double biasRate) {
    return new RouterOptions(new Routing(topK, function), 0.02, 0.001, biasRate, 1.5);
  }

  static UpdateOptions update(double learningRate) {
    return new UpdateOptions(
        new AdamOptions(0.9, 0.95, 1e-8, 0.1),
        1.0,
        new ScheduleOptions(learningRate, learningRate / 10, 3, 20));
  }

  /** Sequences {@code [first, first + count)} of an endless random text with document ends. */
  static int[] sequences(long first, int count) {
    int[] tokens = new int[count * (SEQUENCE + 1)];
    int next = 0;
    for (long sequence = first; sequence < first + count; sequence++) {
      SplittableRandom random = new SplittableRandom(99 * sequence + 7);
      for (int i = 0; i <= SEQUENCE; i++) {
        // Low tokens are frequent, so that there is something to learn.
        tokens[next++] = (int) (VOCABULARY * Math.pow(random.nextDouble(), 2.5));
      }
    }
    return tokens;
  }

  /** The part of one rank of a global batch, in the order the architecture fixes. */
  static int[] rankBatch(BatchOptions batch, long step, int rank, int ranks) {
    int micro = batch.microBatch();
    int[] all = new int[batch.microBatches() * micro * (SEQUENCE + 1)];
    int next = 0;
    for (int i = 0; i < batch.microBatches(); i++) {
      long first = step * batch.globalBatch() + ((long) i * ranks + rank) * micro;
      int[] part = sequences(first, micro);
      System.arraycopy(part, 0, all, next, part.length);
      next += part.length;
    }
    return all;
  }
}
