package io.antiphon.train;

import io.antiphon.model.ModelState;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.CheckpointReader;
import io.antiphon.train.checkpoint.Checkpoints;

/** Reads a checkpoint into the state of a single rank, for evaluation and generation. */
public final class StateRestore {
  private StateRestore() {}

  /** Overwrites {@code state}, which holds all experts, with the checkpoint. */
  public static void of(
      Checkpoints checkpoints, CheckpointManifest manifest, RankDevice device, ModelState state) {
    try (CheckpointReader reader = checkpoints.open(manifest)) {
      new StateCheckpoint(device.backend(), state, 0, 1, true).restore(reader, state);
    }
  }
}
