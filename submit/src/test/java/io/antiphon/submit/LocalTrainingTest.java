package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.EvaluationRun;
import io.antiphon.run.GenerationRun;
import io.antiphon.run.LocalCheckpoints;
import io.antiphon.run.RunDirectory;
import io.antiphon.run.ThreadHosts;
import io.antiphon.run.TrainingRun;
import io.antiphon.run.UserErrors;
import io.antiphon.train.CheckpointSpace;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.report.RunSummary;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a bundle without Spark trains with. */
class LocalTrainingTest {
  private static final Pattern LOSS = Pattern.compile("\"loss\":[^,]*");

  @TempDir Path directory = Path.of("");
  private String settings = "";

  @BeforeEach
  void writeSettings() throws IOException {
    settings = Files.readString(TinyRun.settings(directory));
  }

  private Settings read(String... overrides) {
    return SettingsReader.text("tiny.conf", settings, List.of(overrides));
  }

  private static RunSummary.Outcome train(Settings settings, Path run) throws InterruptedException {
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    return new TrainingRun(settings, run, Terminal.of(nowhere, false, Map.of()), new ThreadHosts())
        .run();
  }

  private static List<String> losses(Path run) throws IOException {
    return LOSS.matcher(Files.readString(run.resolve("metrics.jsonl")))
        .results()
        .map(found -> found.group())
        .toList();
  }

  @Test
  void aStoppedRunContinuesWithTheBitsOfOneThatWasNot() throws Exception {
    Path whole = directory.resolve("whole");
    Path parts = directory.resolve("parts");

    assertThat(train(read(), whole)).isEqualTo(RunSummary.Outcome.COMPLETED);
    TrainingRun stopped =
        new TrainingRun(
            read(),
            parts,
            Terminal.of(System.out, false, Map.of("LC_ALL", "C.UTF-8")),
            new ThreadHosts());
    stopped.interrupt();
    assertThat(stopped.run()).isEqualTo(RunSummary.Outcome.INTERRUPTED);
    assertThat(train(read(), parts)).isEqualTo(RunSummary.Outcome.COMPLETED);

    assertThat(losses(whole)).hasSizeGreaterThanOrEqualTo(TinyRun.STEPS);
    assertThat(losses(parts)).isEqualTo(losses(whole));
  }

  @Test
  void aCompleteRunIsLeftAlone() throws Exception {
    Path run = directory.resolve("run");
    train(read(), run);
    String metrics = Files.readString(run.resolve("metrics.jsonl"));

    assertThat(train(read(), run)).isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(run.resolve("metrics.jsonl")).hasContent(metrics);
  }

  @Test
  void withoutCheckpointsARunHasTheSameBitsAndKeepsNothing() throws Exception {
    Path with = directory.resolve("with");
    Path without = directory.resolve("without");
    train(read(), with);
    Settings none = read("checkpoint.enabled=false");

    assertThat(train(none, without)).isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(losses(without)).isEqualTo(losses(with));
    assertThat(without.resolve("checkpoints")).doesNotExist();
    assertThatThrownBy(() -> train(none, without))
        .as("what is complete is not replaced in silence")
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("holds a complete run without a checkpoint");
  }

  @Test
  void withoutCheckpointsARunGoesOnFromThoseThatAreThere() throws Exception {
    Path whole = directory.resolve("whole");
    Path run = directory.resolve("run");
    train(read(), whole);
    train(read("schedule.steps=2", "schedule.evaluate-every=0"), run);
    List<String> first = losses(run);
    String[] rest = {"checkpoint.enabled=false", "schedule.evaluate-every=0"};

    train(read(rest), run);

    assertThat(losses(run)).hasSize(TinyRun.STEPS).startsWith(first.toArray(String[]::new));
    assertThat(run.resolve("checkpoints/step-00000002")).exists();
    assertThat(run.resolve("checkpoints/step-00000006")).doesNotExist();
  }

  @Test
  void aCheckpointThatFitsNoDiskIsRefusedBeforeTheFirstStep() {
    String[] vast = {
      "model.hidden=16384", "model.layers=9", "moe.experts=512", "moe.expert-ffn=65536"
    };
    Path run = directory.resolve("run");
    assertThatThrownBy(() -> train(read(vast), run))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("checkpoint.dir: the next checkpoint does not fit: one takes ")
        .hasMessageContaining("checkpoint.enabled = false");
    assertThat(run.resolve("metrics.jsonl")).doesNotExist();
  }

  @Test
  void aCheckpointTakesWhatThePlanSays() throws Exception {
    Path run = directory.resolve("run");
    train(read("checkpoint.keep=1"), run);
    Path step = run.resolve("checkpoints/step-00000006");
    long bytes = 0;
    try (var files = Files.list(step)) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    ModelSetup setup = ModelSetup.of(read(), 257, 256);
    Checkpoints none = LocalCheckpoints.open(directory.resolve("none").toString());
    CheckpointSpace space = CheckpointSpace.of(read(), setup, none, 0);

    assertThat(space.oneBytes()).isBetween(bytes, bytes * 3 / 2);
    assertThat(space.coming()).as("6 steps, one every 2").isEqualTo(3);
    assertThat(space.freeBytes()).isPresent();
  }

  @Test
  void aPlaceThatCheckpointsCannotBeWrittenToIsRefusedBeforeTheFirstStep() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");
    for (Path place : List.of(file, file.resolve("below"))) {
      Path run = directory.resolve("run");
      assertThatThrownBy(() -> train(read("checkpoint.dir=" + place), run))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith("checkpoint.dir: ")
          .hasMessageContaining(place.toString())
          .hasMessageNotContaining("\n");
      assertThat(run.resolve("metrics.jsonl")).doesNotExist();
    }
  }

  @Test
  void otherSettingsDoNotContinueARun() throws Exception {
    Path run = directory.resolve("run");
    train(read("schedule.steps=2"), run);

    assertThatThrownBy(() -> train(read("model.hidden=32"), run))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("model.hidden");
  }

  @Test
  void beginningAnewWhereThereIsACheckpointIsRefusedAndLeavesItAlone() throws Exception {
    Path run = directory.resolve("run");
    train(read("schedule.steps=4"), run);

    assertThatThrownBy(() -> train(read("checkpoint.resume=false"), run))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("begins anew, but there is a checkpoint of step 4");
    assertThat(run.resolve("checkpoints")).isDirectoryContaining("glob:**step-00000004*");
    assertThat(SettingsReader.file(run.resolve("config.conf"), List.of()).checkpoint().resume())
        .isTrue();
  }

  @Test
  void withoutADirectoryARunGoesOnInTheFirstThatItCanContinue() throws Exception {
    Settings tiny = read();
    Path first = directory.resolve("tiny-1");
    train(read("schedule.steps=2"), first);
    Files.delete(first.resolve("summary.json")); // as if it had been killed

    assertThat(RunDirectory.choose(directory, tiny, LocalCheckpoints::open)).isEqualTo(first);
    train(tiny, first);
    assertThat(RunDirectory.choose(directory, tiny, LocalCheckpoints::open))
        .isEqualTo(directory.resolve("tiny-2"));
  }

  @Test
  void directoriesThatCannotBeUsedAreTheUsersToMendAndTheOwnerOfALockIsNamed() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "");
    for (Path bad : List.of(file, file.resolve("below"))) {
      assertThatThrownBy(() -> train(read(), bad))
          .satisfies(
              failure ->
                  assertThat(UserErrors.explain(failure).orElseThrow().exitCode())
                      .isEqualTo(UserErrors.USAGE))
          .hasMessageContaining("must be a directory that can be written");
    }
    Path run = directory.resolve("run");
    try (RunDirectory held = RunDirectory.hold(run, LocalCheckpoints::open)) {
      assertThat(held.isComplete()).isFalse();
      assertThatThrownBy(() -> train(read(), run))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(
              "another process trains there: process " + ProcessHandle.current().pid());
    }
  }

  @Test
  void otherTextUnderTheOldNameDoesNotContinueARun() throws Exception {
    Path run = directory.resolve("run");
    train(read("schedule.steps=2"), run);
    Path file = directory.resolve("text").resolve("1.txt");
    String original = Files.readString(file);
    Files.writeString(file, original.replaceFirst("7", "8"));

    assertThatThrownBy(() -> train(read(), run))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("cannot resume: gives other sequences");

    Files.writeString(file, original);
    assertThat(train(read(), run)).isEqualTo(RunSummary.Outcome.COMPLETED);
  }

  @Test
  void whatNeedsSparkIsRefusedByName() {
    for (String key :
        List.of(
            "spark.cluster=2",
            "spark.master=yarn",
            "monitor.record-routing=routing",
            "checkpoint.dir=hdfs:///checkpoints")) {
      assertThatThrownBy(() -> train(read(key), directory.resolve("run")))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(key.substring(0, key.indexOf('=')))
          .hasMessageContaining("Spark");
    }
  }

  /** Checkpoints of the bundle without Spark are of use there. */
  @Test
  void aRunCanBeEvaluatedAndContinuedAsText() throws Exception {
    Path run = directory.resolve("run");
    Path tokenizer = Files.writeString(directory.resolve("tokenizer.json"), tokenizer());
    assertThat(train(read("data.tokenizer=" + tokenizer), run))
        .isEqualTo(RunSummary.Outcome.COMPLETED);
    Double recorded = validationLosses(run).get(TinyRun.STEPS);

    EvaluationRun.Result result =
        EvaluationRun.of(
                run, OptionalLong.empty(), OptionalInt.empty(), List.of(), new ThreadHosts())
            .run();
    assertThat(result.evaluation().metrics().loss()).isEqualTo(recorded);
    assertThat(result.bytesPerToken()).isGreaterThan(1);

    StringBuilder text = new StringBuilder();
    for (int ranks : List.of(1, 4)) {
      StringBuilder pieces = new StringBuilder();
      int tokens =
          GenerationRun.of(run, OptionalLong.empty(), ranks, List.of(), new ThreadHosts())
              .generate(new GenerationRun.Request("12 ", 8, 0, 1, 1), pieces::append);
      assertThat(tokens).isEqualTo(8);
      text.append(pieces).append('|');
    }
    String[] both = text.toString().split("[|]", -1);
    assertThat(both[1]).isNotBlank().isEqualTo(both[0]);
  }

  @Test
  void aRunStartedWithRelativePathsIsReadFromAnywhere() throws Exception {
    Path here = Path.of("").toAbsolutePath();
    String text = here.relativize(directory.resolve("text")).toString();
    String saved = here.relativize(directory.resolve("saved")).toString();
    Path run = directory.resolve("run");
    train(read("data.text=" + text, "checkpoint.dir=" + saved), run);

    Settings kept = SettingsReader.file(run.resolve("config.conf"), List.of());
    assertThat(kept.data().text()).contains(here + "/" + text);
    assertThat(kept.checkpoint().dir()).contains(here + "/" + saved);
    EvaluationRun evaluation =
        EvaluationRun.of(
            run, OptionalLong.empty(), OptionalInt.empty(), List.of(), new ThreadHosts());
    assertThat(evaluation.run().text()).isEqualTo("data.text = " + here + "/" + text);

    assertThat(elsewhere("generate", "--run-dir", run.toString(), "--tokens", "3")).isZero();

    Files.move(directory.resolve("text"), directory.resolve("gone"));
    assertThatThrownBy(evaluation::run)
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("data.text = " + here + "/" + text)
        .hasMessageContaining("there is no such file or folder");
    assertThat(elsewhere("generate", "--run-dir", run.toString(), "--tokens", "3")).isZero();
  }

  /** Runs a command in another working directory, and returns its exit code. */
  private int elsewhere(String... arguments) throws Exception {
    Path other = Files.createDirectories(directory.resolve("other"));
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                absolute(System.getProperty("java.class.path")),
                Antiphon.class.getName()));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .directory(other.toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  private static String absolute(String classPath) {
    return Pattern.compile(File.pathSeparator)
        .splitAsStream(classPath)
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** Digits, some pairs of them, blank and line feed as the byte-level tokenizers write them. */
  private static String tokenizer() {
    List<String> vocabulary = new ArrayList<>();
    List<String> merges = new ArrayList<>();
    for (int digit = 0; digit < 10; digit++) {
      vocabulary.add(Integer.toString(digit));
    }
    vocabulary.add("\u0120");
    vocabulary.add("\u010a");
    for (int pair = 10; pair < 60; pair++) {
      vocabulary.add(Integer.toString(pair));
      merges.add("\"" + pair / 10 + " " + pair % 10 + "\"");
    }
    StringBuilder tokens = new StringBuilder();
    for (int id = 0; id < vocabulary.size(); id++) {
      tokens
          .append(id == 0 ? "" : ", ")
          .append('"')
          .append(vocabulary.get(id))
          .append("\": ")
          .append(id);
    }
    return """
    {"version": "1.0",
     "added_tokens": [{"id": 62, "content": "<|endoftext|>", "single_word": false,
       "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
       "use_regex": true},
     "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
       "use_regex": true},
     "model": {"type": "BPE", "vocab": {%s}, "merges": [%s]}}
    """
        .formatted(tokens, String.join(", ", merges));
  }

  private static Map<Integer, Double> validationLosses(Path run) throws IOException {
    Map<Integer, Double> losses = new HashMap<>();
    Pattern line = Pattern.compile("\"evaluation\",\"step\":(\\d+),\"validationLoss\":([^,}]+)");
    Matcher found = line.matcher(Files.readString(run.resolve("metrics.jsonl")));
    while (found.find()) {
      losses.put(Integer.parseInt(found.group(1)), Double.parseDouble(found.group(2)));
    }
    return losses;
  }

  @Test
  void aMissingTextIsNamed() {
    assertThatThrownBy(() -> train(read("data.text=/nowhere/text"), directory.resolve("run")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("/nowhere/text");
  }
}
