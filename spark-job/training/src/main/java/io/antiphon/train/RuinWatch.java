package io.antiphon.train;

import io.antiphon.model.StepRecord;
import java.util.Optional;

/**
 * Watches the steps of a run for a model that is ruined. Every rank comes to the same answer, since
 * the records of steps and the losses of evaluations are the same on all of them.
 */
final class RuinWatch {
  private final int mostSkipped;
  private Soundness soundness = Soundness.UNTRAINED;
  private double lastLoss;
  private Optional<String> ruin = Optional.empty();

  /**
   * @param mostSkipped skipped updates in a row that ruin a run; 0 if nothing does
   */
  RuinWatch(int mostSkipped) {
    this.mostSkipped = mostSkipped;
  }

  /** What a run goes on from. */
  void restored(Soundness before) {
    soundness = before;
  }

  /** A step was committed. */
  void committed(long step, StepRecord record) {
    lastLoss = record.loss();
    boolean applied = record.value(StepRecord.Field.APPLIED) != 0;
    soundness = soundness.afterStep(step, applied && Double.isFinite(lastLoss));
    if (ruin.isEmpty() && mostSkipped > 0 && soundness.unsoundSteps() >= mostSkipped) {
      ruin =
          Optional.of(
              "no update was made in %d steps in a row, up to step %d, because loss or gradient was not finite: the model is ruined"
                  .formatted(soundness.unsoundSteps(), step));
    }
  }

  /** The loss was measured after {@code step} steps. */
  void evaluated(long step, double loss) {
    lastLoss = loss;
    soundness = soundness.afterEvaluation(step, loss);
  }

  /** Hears that no step and no evaluation follows. */
  void ended(long step) {
    if (ruin.isEmpty() && mostSkipped > 0 && !Double.isFinite(lastLoss)) {
      ruin =
          Optional.of(
              "the loss after the last step, %d, is not finite: the model is ruined"
                  .formatted(step));
    }
  }

  Soundness soundness() {
    return soundness;
  }

  /** Whether the last step was sound, so that a checkpoint is worth its place. */
  boolean sound() {
    return soundness.unsoundSteps() == 0;
  }

  /** Why the run must end, in one sentence; empty if it may go on. */
  Optional<String> ruin() {
    return ruin;
  }
}
