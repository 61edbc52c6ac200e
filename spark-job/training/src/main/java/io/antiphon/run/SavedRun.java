package io.antiphon.run;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.data.Corpus;
import io.antiphon.train.Soundness;
import io.antiphon.train.TrainingData;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.Checkpoints;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One checkpoint of a run directory.
 *
 * @param runDirectory absolute
 * @param checkpointDirectory where all checkpoints of the run are
 * @param manifest of the chosen one
 * @param lastSound step of the newest checkpoint before it whose model is known to be sound
 */
public record SavedRun(
    Path runDirectory,
    String checkpointDirectory,
    CheckpointManifest manifest,
    OptionalLong lastSound) {
  /** Skipped updates in a row that ruin the model of a run that does not say. */
  private static final int USUAL_LIMIT = 20;

  /**
   * Chooses a checkpoint.
   *
   * @param step of the checkpoint; empty for the newest
   * @param opener opens the checkpoints of the run
   * @throws ConfigException if there is no such directory or checkpoint
   * @throws CheckpointException if it is damaged
   */
  public static SavedRun open(Path runDirectory, OptionalLong step, CheckpointOpener opener) {
    Path directory = runDirectory.toAbsolutePath().normalize();
    if (!Files.isDirectory(directory)) {
      throw unusable(
          "--run-dir",
          runDirectory.toString(),
          "there is no such directory",
          "name the directory of a run; without --run-dir, train makes runs/NAME-N");
    }
    String place = checkpointDirectory(directory);
    Checkpoints checkpoints = opener.open(place);
    Optional<CheckpointManifest> newest = checkpoints.latest();
    if (newest.isEmpty()) {
      throw unusable(
          "--run-dir",
          runDirectory.toString(),
          "must be a run with a checkpoint; there is none in " + place,
          "train it to its first checkpoint, or name another run");
    }
    if (step.isEmpty() || step.getAsLong() == newest.get().step()) {
      return of(directory, place, newest.get(), checkpoints, newest.get());
    }
    List<Long> steps = steps(checkpoints, newest.get());
    if (!steps.contains(step.getAsLong())) {
      throw unusable(
          "--step",
          Long.toString(step.getAsLong()),
          "must be the step of a checkpoint that was kept: "
              + String.join(", ", steps.stream().map(String::valueOf).toList()),
          "take one of these; checkpoint.keep says how many a run keeps");
    }
    return of(directory, place, checkpoints.at(step.getAsLong()), checkpoints, newest.get());
  }

  private static SavedRun of(
      Path directory,
      String place,
      CheckpointManifest chosen,
      Checkpoints checkpoints,
      CheckpointManifest newest) {
    long known = Math.min(Soundness.of(newest).soundStep() + 1, chosen.step());
    OptionalLong sound =
        before(checkpoints, known).stream().mapToLong(CheckpointManifest::step).findFirst();
    return new SavedRun(directory, place, chosen, sound);
  }

  /** Settings of the run when it wrote the checkpoint, with single keys replaced. */
  public Settings settings(List<String> overrides) {
    Settings given = given(List.of());
    List<String> all = new ArrayList<>();
    kept(runDirectory).ifPresent(kept -> all.addAll(WorkingDirectory.overrides(given, kept)));
    all.addAll(overrides);
    return all.isEmpty() ? given : given(all);
  }

  private Settings given(List<String> overrides) {
    return SettingsReader.text(label(), manifest.meta().settings(), overrides);
  }

  /** The settings that a run directory records, whose paths hold everywhere. */
  private static Optional<Settings> kept(Path directory) {
    Path effective = directory.resolve("config.conf");
    return Files.isRegularFile(effective)
        ? Optional.of(SettingsReader.kept(effective))
        : Optional.empty();
  }

  /**
   * Where the tokenizer is: the copy of the run, unless {@code settings} name another than the run
   * had.
   */
  public String tokenizer(Settings settings) {
    String named = settings.data().tokenizer();
    boolean own = named.equals(settings(List.of()).data().tokenizer());
    return own && named.endsWith(".json") ? TokenizerCopy.of(runDirectory).orElse(named) : named;
  }

  /**
   * Fails unless a tokenizer is the one the model was trained with, as far as the checkpoint tells.
   *
   * @param meaning of its tokens
   * @param named where it is
   * @throws ConfigException if it is another
   */
  public void requireTokenizer(String meaning, String named) {
    Optional<TrainingData> trained = TrainingData.of(manifest);
    if (trained.isPresent() && !trained.get().tokenizer().equals(meaning)) {
      throw unusable(
          "data.tokenizer",
          named,
          "is another tokenizer than that of the "
              + label()
              + ", or ends documents by another token: its tokens would mean something else",
          "give the tokenizer back that the run was trained with");
    }
  }

  /** Digest of the sequences that the model was trained on, as far as the checkpoint tells. */
  public Optional<String> sequences() {
    return TrainingData.of(manifest).map(TrainingData::sequences);
  }

  /**
   * Fails unless a text gives the sequences the model was trained on, as far as the checkpoint
   * tells: else what was kept for validation may have been trained on.
   *
   * @param digest of what the text gives
   * @throws ConfigException if it gives others
   */
  public void requireText(String digest, Corpus corpus) {
    String trainedOn = sequences().orElse(digest);
    boolean alone = trainedOn.startsWith(TrainingData.WITHOUT_SPARK);
    if (alone != digest.startsWith(TrainingData.WITHOUT_SPARK)) {
      String how = alone ? "without" : "with";
      throw unusable(
          corpus.setting(),
          corpus.location(),
          "is split for validation in another way %s Spark, as the %s was trained"
              .formatted(how, label()),
          "evaluate " + how + " Spark, or measure on another text with --text");
    }
    if (!trainedOn.equals(digest)) {
      throw unusable(
          corpus.setting(),
          corpus.location(),
          "gives other sequences than those the "
              + label()
              + " was trained on: the text was changed, and what is kept for validation now may"
              + " have been trained on",
          "give the text back as it was, or measure on another text with --text");
    }
  }

  /**
   * Why the model of this checkpoint is ruined as far as the checkpoint tells; empty if it may be
   * sound.
   */
  public Optional<String> ruin() {
    long skipped = Soundness.of(manifest).unsoundSteps();
    int limit = settings(List.of()).schedule().maxSkippedUpdates();
    return skipped < (limit > 0 ? limit : USUAL_LIMIT)
        ? Optional.empty()
        : Optional.of(
            "the model in the %s is ruined: no update was made in the %d steps before it; %s"
                .formatted(label(), skipped, remedy()));
  }

  /** What the user of a ruined checkpoint can do. */
  public String remedy() {
    return lastSound.isPresent()
        ? "the last sound checkpoint is that of step %1$d: --step %1$d"
            .formatted(lastSound.getAsLong())
        : "no checkpoint of the run is known to be sound";
  }

  /** The checkpoint as messages call it. */
  String label() {
    return "checkpoint of step " + manifest.step();
  }

  /** A run that keeps its checkpoints elsewhere says so in its effective settings. */
  private static String checkpointDirectory(Path directory) {
    return kept(directory)
        .flatMap(settings -> settings.checkpoint().dir())
        .orElse(directory.resolve("checkpoints").toString());
  }

  private static List<Long> steps(Checkpoints checkpoints, CheckpointManifest newest) {
    List<Long> steps = new ArrayList<>();
    Optional<CheckpointManifest> next = Optional.of(newest);
    while (next.isPresent()) {
      steps.add(0, next.get().step());
      next = before(checkpoints, next.get().step());
    }
    return steps;
  }

  private static Optional<CheckpointManifest> before(Checkpoints checkpoints, long step) {
    try {
      return checkpoints.latestBefore(step);
    } catch (CheckpointException damaged) {
      return Optional.empty();
    }
  }

  private static ConfigException unusable(String key, String value, String limit, String remedy) {
    return new ConfigException(List.of(new Problem(key, 0, value, "", limit, remedy)));
  }
}
