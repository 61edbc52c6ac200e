package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.Split;
import io.antiphon.train.Evaluation;
import io.antiphon.train.Evaluator;
import io.antiphon.train.SequenceSource;

/**
 * Evaluates a checkpoint on one rank.
 *
 * @param text readable by every rank
 * @param split of it that is evaluated
 * @param checkpoints readable by every rank
 * @param step of the checkpoint
 */
record EvaluateTask(
    Settings settings, RunText text, Split split, CheckpointPlace checkpoints, long step)
    implements RankTask<Evaluation> {

  @Override
  public Evaluation call(RankSeat seat) {
    return RankWork.run(settings, seat, text.vocabulary(), this::evaluate);
  }

  private Evaluation evaluate(RankWork work) {
    work.restore(checkpoints, step);
    try (SequenceSource source = text.open(split)) {
      return new Evaluator(
              work.setup(),
              work.device(),
              work.state(),
              source,
              settings.data().validationSequences(),
              settings.moe().tokenCapacity())
          .evaluate(step);
    }
  }
}
