package io.antiphon.job;

import io.antiphon.conf.Settings;
import io.antiphon.data.tokenizer.Tokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.job.barrier.RankSeat;
import io.antiphon.job.barrier.RankTask;
import io.antiphon.job.storage.CheckpointStorage;
import io.antiphon.model.ModelState;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RankDevice;
import io.antiphon.train.RuinedModel;
import io.antiphon.train.Sampling;
import io.antiphon.train.StateRestore;
import io.antiphon.train.TextGenerator;
import io.antiphon.train.checkpoint.Checkpoints;
import java.util.function.Consumer;

/**
 * Generates text on one rank; rank 0 tells the driver, piece by piece.
 *
 * @param checkpointDirectory readable by every rank
 * @param step of the checkpoint
 * @param remedy what the user can do if its model is ruined
 */
record GenerateTask(
    Settings settings,
    TokenizerDescription description,
    String checkpointDirectory,
    long step,
    String remedy,
    GenerationRun.Request request)
    implements RankTask<Integer> {

  /** The answer is the number of generated tokens. */
  @Override
  public Integer call(RankSeat seat) {
    Consumer<String> out = seat.driver()::accept;
    try (Tokenizer tokenizer = description.open();
        RankDevice device =
            RankDevice.open(settings, seat.transport(), seat.gpu().place(settings))) {
      ModelSetup setup = ModelSetup.of(settings, tokenizer.vocabulary(), tokenizer.endOfText());
      var experts = device.groups().experts();
      try (ModelState state =
          new ModelState(device.backend(), setup.model(), experts.rank(), experts.ranks())) {
        Checkpoints checkpoints = CheckpointStorage.open(checkpointDirectory);
        StateRestore.of(checkpoints, checkpoints.at(step), device, state);
        try (TextGenerator generator =
            new TextGenerator(
                setup, device, state, seat.transport(), settings.moe().tokenCapacity())) {
          int[] prompt = tokenizer.encode(request.prompt());
          TextPieces pieces = new TextPieces(tokenizer, prompt, out);
          Sampling sampling = new Sampling(request.temperature(), request.topP(), request.seed());
          generator.generate(prompt, request.tokens(), sampling, pieces::accept);
          return pieces.end();
        } catch (RuinedModel e) {
          throw new RuinedModel(e.getMessage() + "; " + remedy);
        }
      }
    }
  }
}
