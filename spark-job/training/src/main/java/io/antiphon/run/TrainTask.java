package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.Split;
import io.antiphon.train.Evaluator;
import io.antiphon.train.RankBatches;
import io.antiphon.train.RankContext;
import io.antiphon.train.RunCheckpoints;
import io.antiphon.train.RunFacts;
import io.antiphon.train.SequenceSource;
import io.antiphon.train.Trainer;
import io.antiphon.train.TrainingData;
import io.antiphon.train.TrainingResult;

/**
 * Trains on one rank.
 *
 * @param text readable by every rank
 * @param identity what the text holds
 * @param checkpoints in a directory that every rank can write
 * @param facts what the text tells about the run
 */
public record TrainTask(
    Settings settings,
    RunText text,
    TrainingData identity,
    CheckpointPlace checkpoints,
    RunFacts facts)
    implements RankTask<TrainingResult> {

  @Override
  public TrainingResult call(RankSeat seat) {
    return RankWork.run(settings, seat, text.vocabulary(), this::train);
  }

  @Override
  public boolean resumes() {
    return true;
  }

  private TrainingResult train(RankWork work) {
    RankSeat seat = work.seat();
    RankContext context =
        new RankContext(seat.transport(), seat.reports(), seat.stopRequested(), seat.attempt());
    boolean evaluates = text.measured() == Split.VALIDATION;
    try (SequenceSource measured = text.open(text.measured())) {
      Evaluator evaluator =
          new Evaluator(
              work.setup(),
              work.device(),
              work.state(),
              measured,
              evaluates ? settings.data().validationSequences() : 0,
              settings.moe().tokenCapacity());
      Trainer trainer =
          new Trainer(
              settings,
              work.setup(),
              work.device(),
              context,
              facts,
              work.state(),
              new RunCheckpoints(settings, work.device(), context, checkpoints.open(), identity),
              evaluator,
              work.device().lag());
      return trainer.run(first -> batches(context, first));
    }
  }

  private RankBatches batches(RankContext context, long first) {
    RankBatches.Share share =
        new RankBatches.Share(
            context.rank(),
            context.transport().ranks(),
            settings.schedule().globalBatch(),
            settings.schedule().microBatch());
    return RankBatches.open(text.open(Split.TRAIN), share, first, settings.data().prefetch());
  }
}
