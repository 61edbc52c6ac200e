package io.antiphon.train;

import io.antiphon.conf.Echo;
import io.antiphon.conf.Model;
import io.antiphon.conf.Moe;
import io.antiphon.conf.Settings;
import io.antiphon.model.AttentionOptions;
import io.antiphon.model.BatchOptions;
import io.antiphon.model.EchoOptions;
import io.antiphon.model.InitialWeights;
import io.antiphon.model.ModelOptions;
import io.antiphon.model.MoeOptions;
import io.antiphon.model.RouterOptions;
import io.antiphon.model.UpdateOptions;
import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.ScoreFunction;
import java.util.Optional;

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
            model.denseFfn(),
            model.normEpsilon(),
            model.tiedHead(),
            model.recompute(),
            model.attention() ? Optional.of(attention(model)) : Optional.empty(),
            new InitialWeights(model.initStd(), settings.seed()),
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

  private static AttentionOptions attention(Model model) {
    return new AttentionOptions(
        model.attentionHeads(), model.keyValueHeads(), model.headDim(), model.ropeTheta());
  }

  /** A rank that has all experts has nobody to send a clone to, and needs no slots for any. */
  static boolean hasClones(Settings settings) {
    return settings.moe().experts() > 0
        && settings.moe().echo().enabled()
        && settings.parallelism().expertParallel() > 1;
  }

  private static MoeOptions moe(Settings settings) {
    Moe moe = settings.moe();
    return new MoeOptions(
        moe.experts(), moe.expertFfn(), moe.sharedExpertFfn(), router(moe), echo(settings));
  }

  private static RouterOptions router(Moe moe) {
    ScoreFunction function =
        switch (moe.scoreOrder()) {
          case SOFTMAX_THEN_TOP_K -> ScoreFunction.SOFTMAX;
          case TOP_K_THEN_SOFTMAX -> ScoreFunction.SOFTMAX_OF_CHOSEN;
        };
    return new RouterOptions(
        new Routing(moe.topK(), function),
        moe.auxLoss(),
        moe.zLoss(),
        moe.expertBiasRate(),
        moe.routerSkew());
  }

  private static EchoOptions echo(Settings settings) {
    Echo echo = settings.moe().echo();
    if (!hasClones(settings) || echo.slotsPerRank() == 0) {
      return EchoOptions.NONE;
    }
    PlannerKind planner =
        switch (echo.planner()) {
          case BIN_PACKING -> PlannerKind.BIN_PACKING;
          case ONE_SHOT -> PlannerKind.ONE_SHOT;
          case BALANCED -> PlannerKind.BALANCED;
        };
    return new EchoOptions(echo.slotsPerRank(), planner, balance(settings), echo.reuseClones());
  }

  /** See {@code docs/planner.md} for the default least quota across nodes. */
  private static BalanceOptions balance(Settings settings) {
    Echo echo = settings.moe().echo();
    long meanLoad =
        (long) settings.schedule().microBatch()
            * settings.model().sequenceLength()
            * settings.moe().topK();
    long pays = Math.max(echo.minQuota(), Math.min(PAYS_ACROSS_NODES, meanLoad / 16));
    int across = echo.minQuotaAcrossNodes() == 0 ? (int) pays : echo.minQuotaAcrossNodes();
    return BalanceOptions.EXACT
        .withTolerance((int) Math.round(echo.tolerance() * BalanceOptions.MILLION))
        .withRanksPerNode(echo.ranksPerNode() == 0 ? BalanceOptions.UNLIMITED : echo.ranksPerNode())
        .withMinQuota(echo.minQuota(), across);
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
