package io.antiphon.model;

import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.PlanAlgorithm;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.ScoreOrder;
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
        4,
        2,
        4,
        20,
        1e-5,
        10000,
        false,
        true,
        false,
        0.2,
        17,
        moe);
  }

  /** As {@link #model} with sizes at which vectors and tensor cores come into play. */
  static ModelOptions wide(MoeOptions moe) {
    MoeOptions wide =
        new MoeOptions(
            moe.experts(),
            moe.topK(),
            32,
            moe.sharedFfn(),
            moe.scoreOrder(),
            moe.auxLoss(),
            moe.zLoss(),
            moe.expertBiasRate(),
            moe.routerSkew(),
            moe.slotsPerRank(),
            moe.planner(),
            moe.reuseClones());
    return new ModelOptions(
        VOCABULARY,
        END_OF_TEXT,
        SEQUENCE,
        2,
        0,
        64,
        2,
        1,
        64,
        20,
        1e-5,
        10000,
        false,
        true,
        false,
        0.1,
        17,
        wide);
  }

  static MoeOptions moe(int slotsPerRank, PlanAlgorithm planner) {
    return new MoeOptions(
        EXPERTS,
        2,
        10,
        0,
        ScoreOrder.SOFTMAX_THEN_TOP_K,
        0.02,
        0.001,
        0,
        1.5,
        slotsPerRank,
        planner,
        false);
  }

  /** The balanced planner, which keeps clones over the micro-batches of a step. */
  static MoeOptions reusing(int slotsPerRank) {
    MoeOptions moe = moe(slotsPerRank, PlanAlgorithm.BALANCED);
    return new MoeOptions(
        moe.experts(),
        moe.topK(),
        moe.expertFfn(),
        moe.sharedFfn(),
        moe.scoreOrder(),
        moe.auxLoss(),
        moe.zLoss(),
        moe.expertBiasRate(),
        moe.routerSkew(),
        slotsPerRank,
        moe.planner(),
        true);
  }

  static MoeOptions withoutEcho() {
    return moe(0, PlanAlgorithm.NONE);
  }

  static ModelOptions with(
      ModelOptions base, boolean tiedHead, boolean recompute, int denseLayers) {
    return new ModelOptions(
        base.vocabulary(),
        base.endOfText(),
        base.sequenceLength(),
        base.layers(),
        denseLayers,
        base.hidden(),
        base.heads(),
        base.keyValueHeads(),
        base.headDim(),
        base.denseFfn(),
        base.normEpsilon(),
        base.ropeTheta(),
        tiedHead,
        base.attention(),
        recompute,
        base.initStd(),
        base.seed(),
        base.moe());
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
