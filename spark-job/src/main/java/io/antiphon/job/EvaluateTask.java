package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.data.Split;
import io.antiphon.data.store.PackedStore;
import io.antiphon.data.store.StoreLocation;
import io.antiphon.job.barrier.RankSeat;
import io.antiphon.job.barrier.RankTask;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.model.ModelState;
import io.antiphon.train.Evaluation;
import io.antiphon.train.Evaluator;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RankDevice;
import io.antiphon.train.StateRestore;
import io.antiphon.train.checkpoint.Checkpoints;

/**
 * Evaluates a checkpoint on one rank.
 *
 * @param store packed token store, readable by every rank
 * @param split of it that is evaluated
 * @param checkpointDirectory readable by every rank
 * @param step of the checkpoint
 */
record EvaluateTask(
    Settings settings, StoreLocation store, Split split, String checkpointDirectory, long step)
    implements RankTask<Evaluation> {

  @Override
  public Evaluation call(RankSeat seat) {
    try (PackedStore text = PackedStore.open(store, split);
        RankDevice device =
            RankDevice.open(settings, seat.transport(), seat.gpu().place(settings))) {
      ModelSetup setup = ModelSetup.of(settings, text.vocabulary(), text.endOfText());
      var experts = device.groups().experts();
      try (ModelState state =
          new ModelState(device.backend(), setup.model(), experts.rank(), experts.ranks())) {
        Checkpoints checkpoints = CheckpointStorage.open(checkpointDirectory, store.settings());
        StateRestore.of(checkpoints, checkpoints.at(step), device, state);
        return new Evaluator(
                setup,
                device,
                state,
                text,
                settings.data().validationSequences(),
                settings.moe().tokenCapacity())
            .evaluate(step);
      }
    }
  }
}
