package io.antiphon.train;

import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.Scalars;

/**
 * What the steps of a run say about its model. A step is sound if its loss was finite and its
 * update was made; it proves the model that the step before left.
 *
 * @param soundStep newest step after which the model is known to be sound; -1 if none is
 * @param unsoundSteps steps in a row, up to the last, that were not sound
 */
public record Soundness(long soundStep, long unsoundSteps) {
  private static final String SOUND_STEP = "soundStep";
  private static final String UNSOUND_STEPS = "unsoundSteps";

  /** Soundness of a run without a step. */
  static final Soundness UNTRAINED = new Soundness(-1, 0);

  /** Checks the limits. */
  public Soundness {
    if (soundStep < -1 || unsoundSteps < 0) {
      throw new IllegalArgumentException(
          "need soundStep >= -1 and unsoundSteps >= 0, were " + soundStep + " and " + unsoundSteps);
    }
  }

  /** Adds the outcome of {@code step}. */
  Soundness afterStep(long step, boolean sound) {
    return sound
        ? new Soundness(Math.max(soundStep, step - 1), 0)
        : new Soundness(soundStep, unsoundSteps + 1);
  }

  /** Adds an evaluation after {@code step}: a finite loss proves the model itself. */
  Soundness afterEvaluation(long step, double loss) {
    return Double.isFinite(loss) && unsoundSteps == 0 ? new Soundness(step, 0) : this;
  }

  /** Reads it from a checkpoint. Those of earlier versions do not say it and count as sound. */
  public static Soundness of(CheckpointManifest manifest) {
    Scalars scalars = manifest.meta().scalars();
    if (!scalars.names().contains(SOUND_STEP)) {
      return new Soundness(manifest.step(), 0);
    }
    long sound = scalars.whole(SOUND_STEP);
    long unsound = scalars.whole(UNSOUND_STEPS);
    if (sound < -1 || sound > manifest.step() || unsound < 0 || unsound > manifest.step()) {
      throw new CheckpointException(
          "the checkpoint of step %d says that step %d was sound and %d after it were not"
              .formatted(manifest.step(), sound, unsound));
    }
    return new Soundness(sound, unsound);
  }

  /** The scalars of a checkpoint that tells of this. */
  Scalars addTo(Scalars scalars) {
    return scalars.withWhole(SOUND_STEP, soundStep).withWhole(UNSOUND_STEPS, unsoundSteps);
  }
}
