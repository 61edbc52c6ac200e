package io.antiphon.job;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.cpu.ThreadTransport;
import io.antiphon.cpu.Transport;
import io.antiphon.data.Tokenizer;
import io.antiphon.data.TokenizerDescription;
import io.antiphon.model.ModelState;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RankDevice;
import io.antiphon.train.Sampling;
import io.antiphon.train.StateRestore;
import io.antiphon.train.TextGenerator;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.Checkpoints;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;

/** Continues a text with the model of a run's newest checkpoint, on one rank of this process. */
public final class GenerationRun {
  /** What a decoder puts where bytes are no character yet. */
  private static final String REPLACEMENT = "\ufffd";

  /** No character takes more tokens. */
  private static final int LONGEST_CHARACTER = 8;

  private final Path runDirectory;

  /** A generation from the checkpoints of {@code runDirectory}. */
  public GenerationRun(Path runDirectory) {
    this.runDirectory = runDirectory.toAbsolutePath();
  }

  /**
   * Generates text after {@code prompt}.
   *
   * @param tokens at most so many are generated
   * @param out takes the text piece by piece, the prompt not included
   * @throws ConfigException if the run has no checkpoint
   */
  public void generate(String prompt, int tokens, Sampling sampling, Consumer<String> out) {
    Checkpoints checkpoints =
        new Checkpoints(
            HadoopCheckpointFiles.of(
                runDirectory.resolve("checkpoints").toString(), new Configuration()),
            warning -> {});
    CheckpointManifest manifest =
        checkpoints.latest().orElseThrow(() -> noCheckpoint(runDirectory));
    Settings settings =
        SettingsReader.text(
            "checkpoint",
            manifest.meta().settings(),
            List.of(
                "parallelism.ranks=1", "parallelism.expert-parallel=1", "moe.echo.enabled=false"));
    TokenizerDescription description =
        TokenizerDescription.read(
            settings.data().tokenizer(), settings.data().endOfText(), new Configuration());
    try (Tokenizer tokenizer = description.open();
        Transport transport = ThreadTransport.group(1, settings.spark().commTimeout()).get(0);
        RankDevice device = RankDevice.open(settings, transport)) {
      ModelSetup setup = ModelSetup.of(settings, tokenizer.vocabulary(), tokenizer.endOfText());
      try (ModelState state = new ModelState(device.backend(), setup.model(), 0, 1)) {
        StateRestore.of(checkpoints, manifest, device, state);
        try (TextGenerator generator = new TextGenerator(setup, device, state)) {
          TextPieces pieces = new TextPieces(tokenizer, out);
          generator.generate(tokenizer.encode(prompt), tokens, sampling, pieces::accept);
          pieces.end();
        }
      }
    }
  }

  private static ConfigException noCheckpoint(Path runDirectory) {
    return new ConfigException(
        List.of(
            new Problem(
                "--run-dir",
                0,
                "",
                runDirectory.toString(),
                "must be the directory of a run with a checkpoint",
                "train first, or name another run directory")));
  }

  /** Turns tokens into text as soon as they make whole characters. */
  private static final class TextPieces {
    private final Tokenizer tokenizer;
    private final Consumer<String> out;
    private int[] pending = {};

    TextPieces(Tokenizer tokenizer, Consumer<String> out) {
      this.tokenizer = tokenizer;
      this.out = out;
    }

    /** Takes a token; false at the end of the document. */
    boolean accept(int token) {
      if (token == tokenizer.endOfText()) {
        return false;
      }
      pending = Arrays.copyOf(pending, pending.length + 1);
      pending[pending.length - 1] = token;
      String text = tokenizer.decode(pending);
      if (!text.endsWith(REPLACEMENT) || pending.length > LONGEST_CHARACTER) {
        out.accept(text);
        pending = new int[] {};
      }
      return true;
    }

    void end() {
      if (pending.length > 0) {
        out.accept(tokenizer.decode(pending));
      }
    }
  }
}
