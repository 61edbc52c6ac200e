package io.antiphon.run;

import io.antiphon.train.checkpoint.Checkpoints;
import java.io.Serializable;

/**
 * Where the checkpoints of a run are, as it travels to the ranks.
 *
 * @param directory that every rank reaches
 * @param opener opens it on a rank
 */
public record CheckpointPlace(String directory, CheckpointOpener opener) implements Serializable {
  /** The checkpoints, opened anew. */
  public Checkpoints open() {
    return opener.open(directory);
  }
}
