package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code evaluate}, {@code generate} and {@code train} again, on one finished run of four ranks.
 */
@Tag("spark")
class SavedRunCommandsTest {
  @TempDir static Path directory = Path.of("");

  private static String run = "";
  private static String settings = "";

  @BeforeAll
  static void train() throws IOException {
    settings = TinyRun.settings(directory).toString();
    run = directory.resolve("run").toString();
    TinyRun.Result result = TinyRun.antiphon("train", "--config", settings, "--run-dir", run);
    assertThat(result.exitCode()).as(result.err()).isZero();
  }

  private static JsonNode evaluate(String... more) throws IOException {
    String[] arguments = new String[more.length + 4];
    System.arraycopy(new String[] {"evaluate", "--run-dir", run, "--json"}, 0, arguments, 0, 4);
    System.arraycopy(more, 0, arguments, 4, more.length);
    TinyRun.Result result = TinyRun.antiphon(arguments);
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out().lines()).hasSize(1);
    return new ObjectMapper().readTree(result.out());
  }

  private static double recordedLoss(int step) throws IOException {
    List<String> lines = Files.readAllLines(Path.of(run, "metrics.jsonl"));
    for (String line : lines) {
      JsonNode node = new ObjectMapper().readTree(line);
      if (node.path("kind").asText().equals("evaluation") && node.path("step").asInt() == step) {
        return node.path("validationLoss").asDouble();
      }
    }
    throw new AssertionError("no evaluation of step " + step + " in " + lines);
  }

  @Test
  void evaluatingGivesTheBitsThatTrainingRecorded() throws IOException {
    JsonNode newest = evaluate();
    assertThat(newest.path("step").asInt()).isEqualTo(TinyRun.STEPS);
    assertThat(newest.path("loss").asDouble()).isEqualTo(recordedLoss(TinyRun.STEPS));
    assertThat(newest.path("ranks").asInt()).isEqualTo(4);
    assertThat(newest.path("split").asText()).isEqualTo("validation");
    assertThat(newest.path("perplexity").asDouble())
        .isEqualTo(Math.exp(newest.path("loss").asDouble()));
    assertThat(newest.path("loadBefore").asDouble()).isGreaterThan(1.2);
    assertThat(newest.path("loadAfter").asDouble())
        .isBetween(1.0, newest.path("loadBefore").asDouble());
    assertThat(newest.path("clones").asInt()).isPositive();

    assertThat(evaluate("--step", "4").path("loss").asDouble()).isEqualTo(recordedLoss(4));
  }

  /**
   * Another number of ranks changes the order of sums: 64 roundings of fp32 relative to the loss.
   */
  @Test
  void evaluatingOnOtherRanksGivesTheSameUpToRounding() throws IOException {
    double expected = recordedLoss(TinyRun.STEPS);
    for (String ranks : List.of("1", "3")) {
      JsonNode other = evaluate("--ranks", ranks);
      assertThat(other.path("ranks").asText()).isEqualTo(ranks);
      assertThat(other.path("loss").asDouble())
          .isCloseTo(expected, within(64 * Math.ulp(1f) * expected));
    }
  }

  /** Without clones the hot ranks need more rows than the mean, which is all they begin with. */
  @Test
  void evaluatingWithTooFewRowsRunsAgainAndLosesNothing() throws IOException {
    double expected = recordedLoss(TinyRun.STEPS);
    JsonNode plain = evaluate("--set", "moe.echo.enabled=false");

    assertThat(plain.path("reruns").asInt()).isPositive();
    assertThat(plain.path("clones").asInt()).isZero();
    assertThat(plain.path("loadAfter")).isEqualTo(plain.path("loadBefore"));
    assertThat(plain.path("loss").asDouble())
        .isCloseTo(expected, within(64 * Math.ulp(1f) * expected));
  }

  @Test
  void anotherTextIsEvaluatedWhole() throws IOException {
    Path other =
        Files.writeString(directory.resolve("other.txt"), "what else is there? ".repeat(50));
    JsonNode result = evaluate("--text", other.toString(), "--ranks", "1");

    assertThat(result.path("split").asText()).isEqualTo("all");
    assertThat(result.path("text").asText()).isEqualTo("data.text = " + other);
    assertThat(result.path("availableSequences").asInt()).isEqualTo(1000 / 32);
    assertThat(result.path("sequences").asInt()).isEqualTo(24);
  }

  @Test
  void theTextOfAnEvaluationIsReadable() {
    TinyRun.Result result = TinyRun.antiphon("evaluate", "--run-dir", run, "--ranks", "1");

    assertThat(result.out())
        .contains("step 6, on 1 rank", "validation split", "nats per token", "bits per byte")
        .contains("perplexity", "max/mean before planning");
  }

  @Test
  void missingCheckpointsAreNamed() {
    assertUsage("there is no such directory", "evaluate", "--run-dir", run + "-not");
    assertUsage(
        "must be the step of a checkpoint that was kept: 2, 4, 6",
        "evaluate",
        "--run-dir",
        run,
        "--step",
        "5");
    assertUsage(
        "must be a run with a checkpoint",
        "generate",
        "--run-dir",
        directory.resolve("text").toString());
    assertUsage("did you mean data.text?", "evaluate", "--run-dir", run, "--set", "data.txt=a");
  }

  private static String generate(String... more) {
    String[] arguments = new String[more.length + 3];
    System.arraycopy(new String[] {"generate", "--run-dir", run}, 0, arguments, 0, 3);
    System.arraycopy(more, 0, arguments, 3, more.length);
    TinyRun.Result result = TinyRun.antiphon(arguments);
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.err()).isEmpty();
    return result.out();
  }

  @Test
  void theSameSeedGivesTheSameTextAndAnotherAnother() {
    String first = generate("--prompt", "12 Zo\u00eb", "--tokens", "40", "--seed", "7");

    assertThat(first).startsWith("12 Zo\u00eb").endsWith(System.lineSeparator());
    assertThat(generate("--prompt", "12 Zo\u00eb", "--tokens", "40", "--seed", "7"))
        .isEqualTo(first);
    assertThat(generate("--prompt", "12 Zo\u00eb", "--tokens", "40", "--seed", "8"))
        .isNotEqualTo(first);
  }

  @Test
  void generatingOnSeveralPlannedRanksGivesTheSameText() {
    String alone = generate("--prompt", "12 ", "--tokens", "12", "--temperature", "0");

    assertThat(generate("--prompt", "12 ", "--tokens", "12", "--temperature", "0", "--ranks", "4"))
        .isEqualTo(alone);
  }

  @Test
  void promptsMayBeEmptyLongOrFromStandardInput() {
    assertThat(generate("--tokens", "5")).isNotBlank();
    assertThat(generate("--tokens", "5", "--prompt", "1 2 ".repeat(100))).startsWith("1 2 1 2");
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream("\u00fcber\n".getBytes(StandardCharsets.UTF_8)));
      assertThat(generate("--tokens", "5", "--prompt", "-"))
          .startsWith("\u00fcber")
          .doesNotStartWith("\u00fcber\n")
          .isEqualTo(generate("--tokens", "5", "--prompt", "\u00fcber"));
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void optionsOutOfRangeAreRefused() {
    assertUsage("--tokens must be at least 1", "generate", "--run-dir", run, "--tokens", "0");
    assertUsage("--temperature must be", "generate", "--run-dir", run, "--temperature", "-1");
    assertUsage("--top-p must be", "generate", "--run-dir", run, "--top-p", "0");
    assertUsage("'x' is not an int", "generate", "--run-dir", run, "--tokens", "x");
  }

  @Test
  void aFinishedRunIsNotTouchedAndOtherSettingsAreRefused() throws IOException {
    String before = Files.readString(Path.of(run, "metrics.jsonl"));
    TinyRun.Result again = TinyRun.antiphon("train", "--config", settings, "--run-dir", run);
    assertThat(again.exitCode()).isZero();
    assertThat(Files.readString(Path.of(run, "metrics.jsonl"))).isEqualTo(before);

    assertUsage(
        "begins anew, but there is a checkpoint of step 6",
        "train",
        "--config",
        settings,
        "--run-dir",
        run,
        "--set",
        "checkpoint.resume=false");

    TinyRun.Result other =
        TinyRun.antiphon(
            "train",
            "--config",
            settings,
            "--run-dir",
            run,
            "--set",
            "model.hidden=32",
            "--set",
            "schedule.steps=4");
    assertThat(other.exitCode()).isEqualTo(Antiphon.USAGE);
    assertThat(other.err())
        .contains("model.hidden was 16, now 32", "set model.hidden back to 16", "another --run-dir")
        .contains("schedule.steps was 6, now 4; it may only grow")
        .doesNotContain("\tat ");
    assertThat(Files.readString(Path.of(run, "config.conf"))).contains("hidden = 16");
  }

  private static void assertUsage(String message, String... arguments) {
    TinyRun.Result result = TinyRun.antiphon(arguments);
    assertThat(result.exitCode()).as(result.err()).isEqualTo(Antiphon.USAGE);
    assertThat(result.err()).contains(message).doesNotContain("\tat ");
  }
}
