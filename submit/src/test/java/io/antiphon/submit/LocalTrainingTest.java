package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.LocalCheckpoints;
import io.antiphon.run.RunDirectory;
import io.antiphon.run.UserErrors;
import io.antiphon.train.CheckpointSpace;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.SequenceSource;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.report.RunSummary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
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
    return new LocalTraining(settings, run, Terminal.of(nowhere, false, Map.of())).run();
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
    LocalTraining stopped =
        new LocalTraining(
            read(), parts, Terminal.of(System.out, false, Map.of("LC_ALL", "C.UTF-8")));
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
            "checkpoint.dir=hdfs:///checkpoints",
            "data.tokenizer=tokenizer.json")) {
      assertThatThrownBy(() -> train(read(key), directory.resolve("run")))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(key.substring(0, key.indexOf('=')))
          .hasMessageContaining("Spark");
    }
  }

  @Test
  void aMissingTextIsNamed() {
    assertThatThrownBy(() -> train(read("data.text=/nowhere/text"), directory.resolve("run")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("/nowhere/text");
  }

  @Test
  void aCompressedFileIsNoText() throws Exception {
    Path file = Files.write(directory.resolve("a.txt.gz"), new byte[] {0x1f, (byte) 0x8b, 8, 0});
    assertThatThrownBy(() -> LocalText.read(read("data.text=" + file)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("is compressed with gzip, and without Spark only UTF-8 text is read");
  }

  @Test
  void everyEpochReadsEverySequenceOnceInAnotherOrder() {
    LocalText text = LocalText.read(read());
    try (SequenceSource train = text.train();
        SequenceSource again = text.train()) {
      int sequences = Math.toIntExact(train.sequences());
      Set<List<Integer>> first = new HashSet<>();
      Set<List<Integer>> second = new HashSet<>();
      for (int i = 0; i < sequences; i++) {
        first.add(tokens(train, i));
        second.add(tokens(train, sequences + i));
      }
      assertThat(first).hasSize(sequences).isEqualTo(second);
      assertThat(tokens(train, 0)).isNotEqualTo(tokens(train, sequences));
      assertThat(tokens(again, sequences + 3)).isEqualTo(tokens(train, sequences + 3));
    }
  }

  @Test
  void ofASeparatorLineOnlyItsGroupRemains() throws Exception {
    Path file = directory.resolve("book.txt");
    Files.writeString(file, "before\r\nCHAPTER one\n" + "words\n".repeat(500) + "CHAPTER two\nend");
    LocalText text =
        LocalText.read(
            read(
                "data.text=" + file,
                "data.document-separator=^CHAPTER (.*)",
                "schedule.evaluate-every=0",
                "data.validation-fraction=0"));
    StringBuilder all = new StringBuilder();
    try (SequenceSource train = text.train()) {
      for (int i = 0; i < train.sequences(); i++) {
        tokens(train, i).forEach(token -> all.append(token < 256 ? (char) (int) token : '|'));
      }
    }
    assertThat(all.toString()).contains("before|one\nwords\nwords").doesNotContain("CHAPTER");
  }

  private static List<Integer> tokens(SequenceSource source, long position) {
    int[] tokens = new int[source.sequenceLength() + 1];
    source.read(position, tokens, 0);
    return Arrays.stream(tokens).boxed().toList();
  }

  @Test
  void shippedTextIsFoundWithoutSpark() {
    LocalText text = LocalText.read(read("data.text=classpath:corpus"));
    try (SequenceSource train = text.train();
        SequenceSource validation = text.validation()) {
      assertThat(train.sequences()).isGreaterThan(50_000);
      assertThat(validation.sequences()).isBetween(1L, train.sequences() / 4);
    }
  }
}
