package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SettingsWriterTest {
  /** Valid with each other and with every preset, whichever are chosen. */
  private static final List<String> OVERRIDES =
      List.of(
          "seed=9223372036854775807",
          "name=a.b-c_9",
          "model.norm-epsilon=1.0000000000000002e-6",
          "model.rope-theta=1e300",
          "model.tied-head=true",
          "model.head-dim=6",
          "moe.score-order=top-k-then-softmax",
          "moe.token-capacity=7.3",
          "moe.router-skew=0.1",
          "moe.shared-expert-ffn=17",
          "data.text=C:\\corpus \"old\"/*.txt # {x} ${y}\n\u00e9\u4e2d",
          "data.document-separator=^=+\\s*\\w+$",
          "data.tokenizer=/t/tokenizer.json",
          "data.cache-dir=s3://bucket/a?b=c",
          "optimizer.min-learning-rate=0",
          "optimizer.clip-norm=1e9",
          "backend.kind=cpu-f64",
          "checkpoint.resume=false",
          "monitor.progress=none",
          "spark.master=local[8, 3]",
          "spark.comm-timeout=1500ms",
          "spark.max-restarts=0",
          "spark.properties.spark.speculation=true",
          "spark.properties.spark.speculation.interval=a \"quoted\" one",
          "spark.properties.spark.sql.shuffle.partitions=007");

  private final Path directory;

  SettingsWriterTest(@TempDir Path directory) {
    this.directory = directory;
  }

  static Stream<Long> seeds() {
    return Stream.iterate(1L, seed -> seed + 1).limit(40);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void writesWhatReadsBackEqual(long seed) {
    Random random = new Random(seed);
    List<String> overrides = new ArrayList<>(OVERRIDES);
    overrides.removeIf(override -> random.nextBoolean());
    String preset = Presets.names().get(random.nextInt(Presets.names().size()));

    Settings settings = SettingsReader.preset(preset, overrides);
    String text = SettingsWriter.render(settings);

    assertThat(SettingsReader.text("config.conf", text, List.of()))
        .as("seed %d: %s", seed, overrides)
        .isEqualTo(settings);
    assertThat(SettingsWriter.render(SettingsReader.text("config.conf", text, List.of())))
        .isEqualTo(text);
  }

  @Test
  void readsBackAllOverridesTogether() {
    Settings settings = SettingsReader.preset("quickstart", OVERRIDES);

    assertThat(SettingsReader.text("config.conf", SettingsWriter.render(settings), List.of()))
        .isEqualTo(settings);
  }

  @Test
  void writesEveryKeyThatHasAValue() {
    assertThat(SettingsWriter.render(Sample.with("spark.properties.spark.a=1")))
        .startsWith(
            "# The effective settings of a run: every key with its value.\nname = \"run\"\n")
        .contains("\nmodel {\n  layers = 4\n")
        .contains("  head-dim = 8\n")
        .contains("\n  echo {\n    enabled = true\n    slots-per-rank = 1\n")
        .contains("  properties = {\n    \"spark.a\" = \"1\"\n  }\n}\n")
        .contains("  comm-timeout = 120s\n")
        .doesNotContain("jsonl")
        .doesNotContain("dir =");
  }

  @Test
  void replacesAFileAsAWhole() throws IOException {
    Path file = directory.resolve("config.conf");
    Files.writeString(file, "old");

    SettingsWriter.write(Sample.with(), file);

    assertThat(SettingsReader.file(file, List.of())).isEqualTo(Sample.with());
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void writesDurationsInTheLargestExactUnit() {
    assertThat(Stream.of("2m", "1500ms", "1000001us", "1000000001ns"))
        .allSatisfy(
            text -> {
              Settings settings = Sample.with("spark.comm-timeout=" + text);
              assertThat(
                      SettingsReader.text("c", SettingsWriter.render(settings), List.of())
                          .spark()
                          .commTimeout())
                  .isEqualTo(settings.spark().commTimeout());
            });
  }
}
