package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.tokenizer.Tokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.train.RuinedModel;
import io.antiphon.train.Sampling;
import io.antiphon.train.TextGenerator;
import io.antiphon.train.report.GeneratedText;

/**
 * Generates text on one rank; rank 0 tells it, piece by piece.
 *
 * @param checkpoints readable by every rank
 * @param step of the checkpoint
 * @param remedy what the user can do if its model is ruined
 */
record GenerateTask(
    Settings settings,
    TokenizerDescription description,
    CheckpointPlace checkpoints,
    long step,
    String remedy,
    GenerationRun.Request request)
    implements RankTask<Integer> {

  /** The answer is the number of generated tokens. */
  @Override
  public Integer call(RankSeat seat) {
    try (Tokenizer tokenizer = description.open()) {
      Vocabulary vocabulary = new Vocabulary(tokenizer.vocabulary(), tokenizer.endOfText());
      return RankWork.run(settings, seat, vocabulary, work -> generate(work, tokenizer));
    }
  }

  private int generate(RankWork work, Tokenizer tokenizer) {
    RankSeat seat = work.seat();
    work.restore(checkpoints, step);
    try (TextGenerator generator =
        new TextGenerator(
            work.setup(),
            work.device(),
            work.state(),
            seat.transport(),
            settings.moe().tokenCapacity())) {
      int[] prompt = tokenizer.encode(request.prompt());
      TextPieces pieces =
          new TextPieces(
              tokenizer, prompt, piece -> seat.reports().accept(new GeneratedText(piece)));
      Sampling sampling = new Sampling(request.temperature(), request.topP(), request.seed());
      generator.generate(prompt, request.tokens(), sampling, pieces::accept);
      return pieces.end();
    } catch (RuinedModel e) {
      throw new RuinedModel(e.getMessage() + "; " + remedy);
    }
  }
}
