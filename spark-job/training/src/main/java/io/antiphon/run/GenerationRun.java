package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.tokenizer.TokenizerDescription;
import io.antiphon.train.RuinedModel;
import io.antiphon.train.report.GeneratedText;
import io.antiphon.train.report.RunReports;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Continues a text with the model of a checkpoint. One rank holds every expert, so there is nothing
 * to plan, and runs in this process; several ranks are planned and safe from overflow as in
 * training.
 */
public final class GenerationRun {
  private final SavedRun saved;
  private final Settings settings;
  private final HostProvider hosts;

  /**
   * What to generate.
   *
   * @param prompt text to continue; empty starts a new document
   * @param tokens at most so many are generated
   * @param temperature divides the logits; 0 takes the most likely token
   * @param topP in (0, 1]: mass of the most likely tokens to choose from
   * @param seed of the draws
   */
  public record Request(String prompt, int tokens, double temperature, double topP, long seed)
      implements Serializable {}

  private GenerationRun(SavedRun saved, Settings settings, HostProvider hosts) {
    this.saved = saved;
    this.settings = settings;
    this.hosts = hosts;
  }

  /**
   * A generation from a checkpoint of a run.
   *
   * @param step of the checkpoint; empty for the newest
   * @param overrides of single keys
   * @param hosts where several ranks run
   * @throws io.antiphon.conf.ConfigException if there is no such checkpoint or the overrides do not
   *     fit
   */
  public static GenerationRun of(
      Path runDirectory, OptionalLong step, int ranks, List<String> overrides, HostProvider hosts) {
    SavedRun saved = SavedRun.open(runDirectory, step, hosts.checkpoints());
    List<String> all = new ArrayList<>(RankOverrides.of(saved.settings(List.of()), ranks));
    all.add(RankOverrides.NO_CLUSTER);
    all.addAll(overrides);
    return new GenerationRun(saved, saved.settings(all), hosts);
  }

  /** Why the text of this checkpoint is worth nothing, for the user; empty if it may be. */
  public Optional<String> ruin() {
    return saved.ruin();
  }

  /**
   * Generates text after a prompt; equal requests give equal texts.
   *
   * @param out takes the text piece by piece, in whole characters, the prompt not included
   * @return how many tokens were generated; fewer than asked if the text came to its end
   * @throws RuinedModel if the model gives no finite numbers, on one rank
   * @throws io.antiphon.data.DataException if the tokenizer is gone
   * @throws RankFailure if a rank failed
   */
  public int generate(Request request, Consumer<String> out) throws InterruptedException {
    String tokenizer = saved.tokenizer(settings);
    TokenizerDescription description =
        TokenizerDescription.read(
            tokenizer,
            settings.data().endOfText(),
            settings.data().specialTokensInText(),
            hosts.files());
    saved.requireTokenizer(description.meaning(), tokenizer);
    HostProvider alone = settings.parallelism().ranks() == 1 ? new ThreadHosts() : hosts;
    try (RunHost host = alone.open(settings, saved.runDirectory(), line -> {})) {
      GenerateTask task =
          new GenerateTask(
              settings,
              description,
              new CheckpointPlace(saved.checkpointDirectory(), hosts.checkpoints()),
              saved.manifest().step(),
              saved.remedy(),
              request);
      return host.call(settings, task, new Pieces(out), () -> false);
    }
  }

  /** Takes the pieces of the text. */
  private record Pieces(Consumer<String> out) implements RunReports {
    @Override
    public void generated(GeneratedText text) {
      out.accept(text.piece());
    }
  }
}
