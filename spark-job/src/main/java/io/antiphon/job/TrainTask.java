package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.data.Split;
import io.antiphon.data.store.PackedStore;
import io.antiphon.data.store.StoreLocation;
import io.antiphon.job.barrier.RankSeat;
import io.antiphon.job.barrier.RankTask;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.model.ModelState;
import io.antiphon.train.Evaluator;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RankBatches;
import io.antiphon.train.RankContext;
import io.antiphon.train.RankDevice;
import io.antiphon.train.RunCheckpoints;
import io.antiphon.train.RunFacts;
import io.antiphon.train.Trainer;
import io.antiphon.train.TrainingData;
import io.antiphon.train.TrainingResult;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunReports;
import io.antiphon.train.report.StepMetrics;
import java.io.Serializable;
import java.util.function.Consumer;

/**
 * Trains on one rank.
 *
 * @param store packed token store, readable by every rank
 * @param checkpointDirectory directory that every rank can write
 * @param data what the store holds
 */
record TrainTask(
    Settings settings,
    StoreLocation store,
    String checkpointDirectory,
    RunFacts facts,
    TrainingData data)
    implements RankTask<TrainingResult> {

  @Override
  public TrainingResult call(RankSeat seat) throws Exception {
    RankContext context =
        new RankContext(
            seat.transport(), new Forwarded(seat.driver()), seat.stopRequested(), seat.attempt());
    boolean evaluates = store.manifest().part(Split.VALIDATION).sequences() > 0;
    try (PackedStore validation =
            PackedStore.open(store, evaluates ? Split.VALIDATION : Split.TRAIN);
        RankDevice device =
            RankDevice.open(settings, seat.transport(), seat.gpu().place(settings))) {
      ModelSetup setup = ModelSetup.of(settings, validation.vocabulary(), validation.endOfText());
      seat.onCancel().accept(device.abandon());
      device.planMemory(settings, setup);
      var groups = device.groups();
      try (ModelState state =
          new ModelState(
              device.backend(), setup.model(), groups.experts().rank(), groups.experts().ranks())) {
        Evaluator evaluator =
            new Evaluator(
                setup,
                device,
                state,
                validation,
                evaluates ? settings.data().validationSequences() : 0,
                settings.moe().tokenCapacity());
        Trainer trainer =
            new Trainer(
                settings,
                setup,
                device,
                context,
                facts,
                state,
                new RunCheckpoints(
                    settings,
                    device,
                    context,
                    CheckpointStorage.open(checkpointDirectory, store.settings()),
                    data),
                evaluator,
                device.lag());
        return trainer.run(first -> batches(context, first));
      } catch (RuntimeException | Error failure) {
        device.fail(seat.transport(), failure);
        throw failure;
      }
    }
  }

  private RankBatches batches(RankContext context, long first) {
    RankBatches.Share share =
        new RankBatches.Share(
            context.rank(),
            context.transport().ranks(),
            settings.schedule().globalBatch(),
            settings.schedule().microBatch());
    return RankBatches.open(
        PackedStore.open(store, Split.TRAIN), share, first, settings.data().prefetch());
  }

  /** Sends every report to the driver. */
  private record Forwarded(Consumer<Serializable> driver) implements RunReports {
    @Override
    public void started(RunInfo info) {
      driver.accept(info);
    }

    @Override
    public void step(StepMetrics metrics) {
      driver.accept(metrics);
    }

    @Override
    public void routed(RoutedCounts counts) {
      driver.accept(counts);
    }

    @Override
    public void evaluated(EvaluationMetrics metrics) {
      driver.accept(metrics);
    }

    @Override
    public void event(RunEvent event) {
      driver.accept(event);
    }
  }
}
