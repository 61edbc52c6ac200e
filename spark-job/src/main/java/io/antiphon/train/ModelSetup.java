package io.antiphon.train;

import io.antiphon.conf.Echo;
import io.antiphon.conf.Moe;
import io.antiphon.conf.Settings;
import io.antiphon.model.BatchOptions;
import io.antiphon.model.ModelOptions;
import io.antiphon.model.MoeOptions;
import io.antiphon.model.UpdateOptions;
import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.PlanAlgorithm;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.ScoreOrder;

/**
 * What the settings mean for the model of one run.
 *
 * @param model shape of the transformer
 * @param batch how the global batch is cut up
 * @param update optimizer and schedule
 */
public record ModelSetup(ModelOptions model, BatchOptions batch, UpdateOptions update) {
  /** Assignments that pay for a clone at 400 TFLOP/s and 40 GB/s. */
  private static final long PAYS_ACROSS_NODES = 10_000;

  /** The model of {@code settings} for a tokenizer with {@code vocabulary} tokens. */
  public static ModelSetup of(Settings settings, int vocabulary, int endOfText) {
    var model = settings.model();
    ModelOptions options =
        new ModelOptions(
            vocabulary,
            endOfText,
            model.sequenceLength(),
            model.layers(),
            settings.moe().experts() == 0 ? model.layers() : model.denseLayers(),
            model.hidden(),
            model.attentionHeads(),
            model.keyValueHeads(),
            model.headDim(),
            model.denseFfn(),
            model.normEpsilon(),
            model.ropeTheta(),
            model.tiedHead(),
            model.attention(),
            model.recompute(),
            model.initStd(),
            settings.seed(),
            moe(settings));
    var schedule = settings.schedule();
    int ranks = settings.parallelism().ranks();
    BatchOptions batch =
        new BatchOptions(
            schedule.globalBatch(),
            schedule.microBatch(),
            schedule.globalBatch() / (schedule.microBatch() * ranks),
            model.sequenceLength());
    var optimizer = settings.optimizer();
    UpdateOptions update =
        new UpdateOptions(
            new AdamOptions(
                optimizer.beta1(), optimizer.beta2(), optimizer.epsilon(), optimizer.weightDecay()),
            optimizer.clipNorm(),
            new ScheduleOptions(
                optimizer.learningRate(),
                optimizer.minLearningRate(),
                schedule.warmupSteps(),
                schedule.steps()));
    return new ModelSetup(options, batch, update);
  }

  /** Planner and options; see {@code docs/planner.md} for the default least quota across nodes. */
  private static PlanAlgorithm planner(Settings settings) {
    Echo echo = settings.moe().echo();
    long meanLoad =
        (long) settings.schedule().microBatch()
            * settings.model().sequenceLength()
            * settings.moe().topK();
    long pays = Math.max(echo.minQuota(), Math.min(PAYS_ACROSS_NODES, meanLoad / 16));
    return switch (echo.planner()) {
      case BIN_PACKING -> PlanAlgorithm.BIN_PACKING;
      case ONE_SHOT -> PlanAlgorithm.ONE_SHOT;
      case BALANCED ->
          new PlanAlgorithm(
              PlanAlgorithm.Kind.BALANCED,
              (int) Math.round(echo.tolerance() * 1e6),
              echo.ranksPerNode() == 0 ? Integer.MAX_VALUE : echo.ranksPerNode(),
              echo.minQuota(),
              echo.minQuotaAcrossNodes() == 0 ? (int) pays : echo.minQuotaAcrossNodes());
    };
  }

  /** A rank that has all experts has nobody to send a clone to, and needs no slots for any. */
  static boolean hasClones(Settings settings) {
    return settings.moe().experts() > 0
        && settings.moe().echo().enabled()
        && settings.parallelism().expertParallel() > 1;
  }

  private static MoeOptions moe(Settings settings) {
    Moe moe = settings.moe();
    boolean echo = hasClones(settings) && moe.echo().slotsPerRank() > 0;
    ScoreOrder order =
        switch (moe.scoreOrder()) {
          case SOFTMAX_THEN_TOP_K -> ScoreOrder.SOFTMAX_THEN_TOP_K;
          case TOP_K_THEN_SOFTMAX -> ScoreOrder.TOP_K_THEN_SOFTMAX;
        };
    return new MoeOptions(
        moe.experts(),
        moe.topK(),
        moe.expertFfn(),
        moe.sharedExpertFfn(),
        order,
        moe.auxLoss(),
        moe.zLoss(),
        moe.expertBiasRate(),
        moe.routerSkew(),
        echo ? moe.echo().slotsPerRank() : 0,
        echo ? planner(settings) : PlanAlgorithm.NONE,
        echo && moe.echo().reuseClones());
  }

  /**
   * Rows for {@code capacityFactor} times the mean load of a rank, but not more than a rank can
   * ever need; 0 without experts.
   *
   * @param expertRanks ranks of an expert-parallel group
   */
  public long rowCapacity(double capacityFactor, int expertRanks) {
    if (model.moeLayers() == 0) {
      return 0;
    }
    long wanted = (long) Math.ceil(capacityFactor * batch.tokens() * model.moe().topK());
    return Math.min(wanted, mostRows(expertRanks));
  }

  /** Rows a rank can ever need: all assignments of its group. */
  public long mostRows(int expertRanks) {
    return (long) batch.tokens() * model.moe().topK() * expertRanks;
  }

  /**
   * The capacity to rerun with after {@code required} rows did not fit: some room above, so that a
   * drifting router does not force a rerun at every step.
   */
  public long grownCapacity(long capacity, long required, int expertRanks) {
    long wanted = Math.max(required + required / 8, capacity + 1);
    return Math.min(wanted, mostRows(expertRanks));
  }
}
