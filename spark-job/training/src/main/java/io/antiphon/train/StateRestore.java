package io.antiphon.train;

import io.antiphon.model.ModelState;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.CheckpointReader;
import io.antiphon.train.checkpoint.Checkpoints;

/** Reads a checkpoint into the state of a rank, for evaluation and generation. */
public final class StateRestore {
  private StateRestore() {}

  /**
   * Overwrites {@code state} with its rank's share of a checkpoint, which any number of ranks
   * wrote.
   */
  public static void of(
      Checkpoints checkpoints, CheckpointManifest manifest, RankDevice device, ModelState state) {
    try (CheckpointReader reader = checkpoints.open(manifest)) {
      var world = device.groups().world();
      new StateCheckpoint(device.backend(), state, world.rank(), world.ranks(), false)
          .restore(reader, state);
    }
  }
}
