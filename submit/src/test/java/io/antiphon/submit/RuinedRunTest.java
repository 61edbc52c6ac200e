package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.monitor.RunOutcome;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.ThreadHosts;
import io.antiphon.run.TrainingRun;
import io.antiphon.train.RuinedModel;
import io.antiphon.train.report.RunSummary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs whose model gives no finite numbers any more, without Spark but for the last. */
class RuinedRunTest {
  private static final Pattern LAST_SOUND =
      Pattern.compile("sound checkpoint is that of step (\\d+)");

  /** From its second step on the loss is NaN. */
  private static final List<String> EXPLODES =
      List.of("schedule.warmup-steps=40", "optimizer.learning-rate=3e12");

  /** Trains a while before its gradients overflow. */
  private static final List<String> GROWS =
      List.of(
          "optimizer.learning-rate=1e-3",
          "optimizer.min-learning-rate=1e-3",
          "optimizer.weight-decay=1e4");

  @TempDir Path directory = Path.of("");
  private Path run = Path.of("");
  private Path conf = Path.of("");

  @BeforeEach
  void writeSettings() throws IOException {
    run = directory.resolve("run");
    conf = TinyRun.settings(directory);
    Files.writeString(
        conf,
        """
        model.layers = 1
        parallelism.ranks = 2
        schedule { steps = 60, evaluate-every = 0 }
        checkpoint.every-steps = 1
        """,
        StandardOpenOption.APPEND);
  }

  private RunSummary.Outcome train(List<String> overrides, String... more) throws Exception {
    List<String> all = Stream.concat(overrides.stream(), Stream.of(more)).toList();
    Settings settings = SettingsReader.file(conf, all);
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    return new TrainingRun(settings, run, Terminal.of(nowhere, false, Map.of()), new ThreadHosts())
        .run();
  }

  private RuinedModel ruin(List<String> overrides, String... more) {
    RuinedModel ruined = catchThrowableOfType(RuinedModel.class, () -> train(overrides, more));
    assertThat(ruined).isNotNull();
    return ruined;
  }

  private List<String> checkpoints() throws IOException {
    try (Stream<Path> found = Files.list(run.resolve("checkpoints"))) {
      return found.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static String directoryOf(long step) {
    return "step-%08d".formatted(step);
  }

  private static long lastSound(String message) {
    Matcher matcher = LAST_SOUND.matcher(message);
    assertThat(matcher.find()).as(message).isTrue();
    return Long.parseLong(matcher.group(1));
  }

  @Test
  void skippedUpdatesInARowEndTheRunAndLeaveWhatWasSound() throws Exception {
    String message = String.valueOf(ruin(GROWS, "checkpoint.keep=1").getMessage());

    long sound = lastSound(message);
    assertThat(message)
        .contains("no update was made in 20 steps in a row, up to step " + (sound + 21))
        .contains(run.resolve("checkpoints").resolve(directoryOf(sound)).toString());
    assertThat(checkpoints()).containsExactly(directoryOf(sound), directoryOf(sound + 1));
    assertThat(RunOutcome.of(run)).contains(RunSummary.Outcome.FAILED);

    assertThat(ruin(GROWS, "checkpoint.keep=1")).as("the run again").hasMessage(message);
  }

  @Test
  void aRunThatMayGoOnForEverStillKeepsWhatWasSound() throws Exception {
    long sound = lastSound(String.valueOf(ruin(GROWS).getMessage()));
    assertThat(train(GROWS, "schedule.max-skipped-updates=0"))
        .isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(checkpoints()).contains(directoryOf(sound), directoryOf(60));

    TinyRun.Result text =
        TinyRun.antiphon("generate", "--run-dir", run.toString(), "--prompt", "1", "--tokens", "1");
    assertThat(text.exitCode()).isEqualTo(Antiphon.FAILED);
    assertThat(text.err())
        .contains("no update was made in the ", " steps before it", "--step " + sound);
  }

  @Test
  void aRunThatIsTooShortToSkipSoManyFailsToo() throws Exception {
    RuinedModel ruined = ruin(EXPLODES, "schedule.steps=40", "schedule.max-skipped-updates=100");
    assertThat(ruined)
        .hasMessageContaining("the loss after the last step, 40, is not finite")
        .hasMessageContaining("No checkpoint of this run is known to be sound");
    assertThat(checkpoints()).containsExactly(directoryOf(1));
  }

  @Test
  @Tag("spark")
  void everyCommandSaysSoWithExitCodeOne() throws Exception {
    TinyRun.Result trained =
        TinyRun.antiphon(
            "train",
            "--config",
            conf.toString(),
            "--run-dir",
            run.toString(),
            "--set",
            EXPLODES.get(0),
            "--set",
            EXPLODES.get(1));
    assertThat(trained.exitCode()).as(trained.err()).isEqualTo(Antiphon.FAILED);
    assertThat(trained.err())
        .contains("antiphon: no update was made in 20 steps in a row, up to step 21")
        .doesNotContain("\tat ", "restart");

    TinyRun.Result loss = TinyRun.antiphon("evaluate", "--run-dir", run.toString());
    assertThat(loss.exitCode()).isEqualTo(Antiphon.FAILED);
    assertThat(loss.out()).contains("NaN nats per token");
    assertThat(loss.err()).contains("the checkpoint of step 1 is ruined: its loss is NaN");

    for (String temperature : List.of("0", "0.8")) {
      TinyRun.Result text =
          TinyRun.antiphon(
              "generate",
              "--run-dir",
              run.toString(),
              "--prompt",
              "one two",
              "--temperature",
              temperature);
      assertThat(text.exitCode()).isEqualTo(Antiphon.FAILED);
      assertThat(text.out()).isEmpty();
      assertThat(text.err().lines()).hasSize(1);
      assertThat(text.err()).contains("the model is ruined: its logit of token");
    }
  }
}
