package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user gets wrong: one clear message, exit code 2, no stack trace. */
@Tag("spark")
class TrainErrorsTest {
  private final Path directory;
  private Path settings = Path.of("");

  TrainErrorsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @BeforeEach
  void write() throws IOException {
    settings = TinyRun.settings(directory);
  }

  @Test
  void allProblemsOfTheSettingsAreReportedTogether() throws IOException {
    Files.writeString(
        settings, Files.readString(settings) + "\nmoe.top-k = two\nmodel.layres = 3\n");
    String error =
        errorOf("--set", "schedule.global-batch=3", "--set", "moe.expert=4", "--set", "nonsense");

    assertThat(error)
        .contains("5 problems")
        .contains("tiny.conf:", "must be a whole number", "did you mean model.layers?")
        .contains("must be a multiple of", "did you mean moe.experts?", "must be KEY=VALUE");
  }

  @Test
  void filesThatAreNotThereAreNamed() {
    assertThat(error("train", "--config", "nowhere.conf")).contains("nowhere.conf", "no such file");
    assertThat(error("train", "--preset", "quikstart")).contains("did you mean quickstart?");
    assertThat(errorOf("--set", "data.text=nowhere")).contains("no file matches 'nowhere'");
    assertThat(errorOf("--set", "data.tokenizer=nowhere.json"))
        .contains("cannot read nowhere.json");
  }

  @Test
  void runDirectoriesThatCannotBeAreRefused() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "");
    for (Path bad : List.of(file, file.resolve("below"), Path.of("/proc/antiphon"))) {
      assertThat(error("train", "--config", settings.toString(), "--run-dir", bad.toString()))
          .contains("--run-dir: " + bad, "must be a directory that can be written");
    }
  }

  @Test
  void textThatIsNoneOrTooLittleIsRefused() throws IOException {
    Path empty = Files.writeString(directory.resolve("empty.txt"), "");
    Path little = Files.writeString(directory.resolve("little.txt"), "too little ".repeat(9));

    assertThat(errorOf("--set", "data.text=" + empty)).contains("has no text");
    assertThat(
            errorOf(
                "--set",
                "data.text=" + little,
                "--set",
                "data.validation-fraction=0",
                "--set",
                "schedule.evaluate-every=0"))
        .contains("gives 3 training sequences", "fewer than the 4 ranks");
  }

  @Test
  void rowsThatAreNotTextAreRefused() throws IOException {
    Path json = directory.resolve("rows.jsonl");
    Files.writeString(json, "{\"text\": \"a\", \"n\": 1}\n{\"text\": \n");
    String[] jsonl = {"--set", "data.text=null", "--set", "data.jsonl=" + json};

    assertThat(errorOf(jsonl)).contains("1 of 2 lines cannot be used", "rows.jsonl:2");
    assertThat(errorOf("--set", "data.text=null", "--set", "data.sql=select 1 as text"))
        .contains("'text' of 'select 1 as text' is int, not string");
  }

  @Test
  void aBackendThatIsNotThereIsRefusedBeforeAnythingStarts() {
    assertThat(errorOf("--set", "backend.kind=cuda"))
        .contains("backend.kind = cuda", "set backend.kind to cpu or auto");
    assertThat(directory.resolve("run")).doesNotExist();
  }

  @Test
  void aModelThatDoesNotFitNamesTheMemory() {
    assertThat(errorOf("--set", "model.hidden=1000000", "--set", "checkpoint.enabled=false"))
        .contains("Lower schedule.micro-batch, model.sequence-length or the model");
  }

  private String errorOf(String... overrides) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "train",
                "--config",
                settings.toString(),
                "--run-dir",
                directory.resolve("run").toString()));
    arguments.addAll(List.of(overrides));
    return error(arguments.toArray(String[]::new));
  }

  private static String error(String... arguments) {
    TinyRun.Result result = TinyRun.antiphon(arguments);
    assertThat(result.exitCode()).as(result.err()).isEqualTo(Antiphon.USAGE);
    assertThat(result.err()).startsWith("antiphon: ").doesNotContain("\tat ");
    return result.err();
  }
}
