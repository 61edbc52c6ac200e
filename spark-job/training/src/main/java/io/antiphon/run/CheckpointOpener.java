package io.antiphon.run;

import io.antiphon.train.checkpoint.Checkpoints;
import java.io.Serializable;

/** Opens the checkpoints at a place that a user named; travels to every rank. */
@FunctionalInterface
public interface CheckpointOpener extends Serializable {
  /**
   * The checkpoints of a directory, which need not exist.
   *
   * @param directory as in {@code checkpoint.dir}
   */
  Checkpoints open(String directory);
}
