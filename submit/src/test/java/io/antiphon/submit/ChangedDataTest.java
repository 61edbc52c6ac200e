package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that goes on, is measured or speaks after its text or its tokenizer was touched. */
@Tag("spark")
class ChangedDataTest {
  private static final String TOKENIZER =
      """
      {"version": "1.0",
       "added_tokens": [
         {"id": 0, "content": "<eos>", "special": true, "single_word": false, "lstrip": false,
          "rstrip": false, "normalized": false}],
       "normalizer": null,
       "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated",
         "invert": false},
       "post_processor": null,
       "decoder": {"type": "Fuse"},
       "model": {"type": "WordLevel", "unk_token": " ",
         "vocab": {"<eos>": 0, " ": 1, "0": 2, "1": 3, "2": 4, "3": 5, "4": 6, "5": 7, "6": 8,
                   "7": 9, "8": 10, "9": 11}}}
      """;

  @TempDir static Path directory = Path.of("");

  private static Path conf = Path.of("");
  private static Path text = Path.of("");
  private static Path tokenizer = Path.of("");
  private static Path run = Path.of("");

  @BeforeAll
  static void train() throws IOException {
    conf = TinyRun.settings(directory);
    text = directory.resolve("text");
    tokenizer = Files.writeString(directory.resolve("digits.json"), TOKENIZER);
    run = directory.resolve("run");
    Files.writeString(
        conf,
        """
        data.tokenizer = "%s"
        model.layers = 1
        parallelism.ranks = 2
        schedule { steps = 2, evaluate-every = 0 }
        """
            .formatted(tokenizer),
        StandardOpenOption.APPEND);
    TinyRun.Result trained = go(2);
    assertThat(trained.exitCode()).as(trained.err()).isZero();
  }

  /** Trains on up to {@code steps}, with other keys replaced. */
  private static TinyRun.Result go(int steps, String... overrides) {
    List<String> arguments = new ArrayList<>(List.of("train", "--config", conf.toString()));
    arguments.addAll(List.of("--run-dir", run.toString(), "--set", "schedule.steps=" + steps));
    for (String override : overrides) {
      arguments.addAll(List.of("--set", override));
    }
    return TinyRun.antiphon(arguments.toArray(String[]::new));
  }

  private static double loss() throws IOException {
    TinyRun.Result result =
        TinyRun.antiphon("evaluate", "--run-dir", run.toString(), "--step", "2", "--json");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode json = new ObjectMapper().readTree(result.out());
    return json.path("loss").asDouble();
  }

  private static void assertRefused(TinyRun.Result result, String... says) {
    assertThat(result.exitCode()).as(result.err()).isEqualTo(Antiphon.USAGE);
    assertThat(result.err()).contains(says).doesNotContain("\tat ");
  }

  @Test
  void contentDecidesAndNeitherNamesNorTimes() throws IOException {
    final double before = loss();

    // A changed text is refused until it is back.
    Path first = text.resolve("0.txt");
    String original = Files.readString(first);
    Files.writeString(first, "7", StandardOpenOption.APPEND);
    assertRefused(
        go(4),
        "data.text = " + text,
        "cannot resume: gives other sequences than those the checkpoint of step 2 was trained on",
        "or start a new run in another --run-dir");
    assertThat(loss()).as("on what the run was trained on").isEqualTo(before);
    Files.writeString(first, original);

    // Another tokenizer under the old name.
    String swapped = TOKENIZER.replace("\"1\": 3, \"2\": 4", "\"1\": 4, \"2\": 3");
    assertThat(swapped).isNotEqualTo(TOKENIZER);
    Files.writeString(tokenizer, swapped);
    assertRefused(
        go(4),
        "data.tokenizer = " + tokenizer,
        "cannot resume: is another tokenizer than that of the checkpoint of step 2",
        "a copy is file://" + run.resolve("tokenizer.json"));
    assertThat(run.resolve("tokenizer.json")).hasContent(TOKENIZER);
    assertThat(loss()).isEqualTo(before);
    TinyRun.Result said =
        TinyRun.antiphon(
            "generate", "--run-dir", run.toString(), "--prompt", "12", "--tokens", "3");
    assertThat(said.exitCode()).as(said.err()).isZero();
    assertRefused(
        TinyRun.antiphon(
            "generate",
            "--run-dir",
            run.toString(),
            "--set",
            "data.tokenizer=" + Files.copy(tokenizer, directory.resolve("other.json"))),
        "is another tokenizer than that of the checkpoint of step 2");

    // The same content elsewhere, with other times.
    Files.writeString(tokenizer, TOKENIZER);
    Path moved = Files.move(tokenizer, directory.resolve("moved.json"));
    Path folder = Files.move(text, directory.resolve("elsewhere"));
    Files.move(folder.resolve("0.txt"), folder.resolve("9.txt"), StandardCopyOption.ATOMIC_MOVE);
    Files.setLastModifiedTime(folder.resolve("1.txt"), FileTime.fromMillis(12345));
    TinyRun.Result went = go(4, "data.text=" + folder, "data.tokenizer=" + moved);
    assertThat(went.exitCode()).as(went.err()).isZero();
    assertThat(Files.readString(run.resolve("metrics.jsonl"))).contains("{\"step\":4,");

    Files.delete(moved);
    assertThat(loss()).as("with text and tokenizer gone from where they were").isEqualTo(before);
  }
}
