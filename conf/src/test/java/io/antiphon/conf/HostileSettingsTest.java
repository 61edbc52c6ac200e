package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Settings that nest, repeat, include or grow without measure, or that are no text at all. */
class HostileSettingsTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  private final Path directory;

  HostileSettingsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  static Stream<Arguments> texts() {
    return Stream.of(
        Arguments.of("a={".repeat(1_000), "nested 64 deep"),
        Arguments.of("[".repeat(20_000), "nested 64 deep"),
        Arguments.of("a" + ".a".repeat(20_000) + "=1", "200 dots"),
        Arguments.of("a=1\n".repeat(20_000), "assign 2000 values"),
        Arguments.of(lines(5_000, i -> "a.b.c" + i + "=1"), "assign 2000 values"),
        Arguments.of("a{}\n".repeat(20_000), "open 2000 braces"),
        Arguments.of("a=" + "[1]".repeat(5_000), "open 2000 braces"),
        Arguments.of("a=" + "x ".repeat(50_000), "20000 words"),
        Arguments.of("a=" + "\"b\"".repeat(30_000), "20000 words"),
        Arguments.of("a+=1\n".repeat(1_000), "+= 50 times"),
        Arguments.of(lines(2_000, i -> "k" + i + "=${u" + i + "}"), "200 substitutions"),
        Arguments.of("# " + "x".repeat(1 << 20), "at most 256 KiB"),
        Arguments.of(
            "a0=x\n" + lines(28, i -> "a" + (i + 1) + "=${a" + i + "}${a" + i + "}"), "1048576"),
        Arguments.of("a=x\n" + lines(60, i -> "a=${a}${a}"), "1048576"),
        Arguments.of("a=x\nb=x\n" + lines(40, i -> "a=${b}${b}\nb=${a}${a}"), "1048576"),
        Arguments.of(
            "a0=xxxxxxxx\n" + lines(28, i -> "a" + (i + 1) + "={x=${a" + i + "},y=${a" + i + "}}"),
            "1048576"));
  }

  private static String lines(int count, java.util.function.IntFunction<String> line) {
    return IntStream.range(0, count).mapToObj(line).collect(Collectors.joining("\n"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("texts")
  void areRefusedSoonInOneProblemThatNamesTheLimit(String text, String limit) {
    List<Problem> problems =
        assertTimeoutPreemptively(SOON, () -> Sample.problemsOf(Sample.FILE + text));
    assertThat(problems).hasSize(1);
    assertThat(problems.get(0).limit()).contains(limit);
    assertThat(problems.get(0).remedy()).isNotBlank();
  }

  @Test
  void mayBeAsRichAsAnyHonestFile() {
    String rich =
        lines(500, i -> "spark.properties.\"spark.own." + i + "\" = \"value " + i + "\"")
            + "\nspark.properties.\"spark.x\" = ${name}\" of \"${model.layers}\n"
            + "spark.properties.\"spark.java\" = \"-Da=b\"\n"
            + "spark.properties.\"spark.java\" = ${spark.properties.\"spark.java\"}\" -Dc=d\"\n";
    assertThat(
            SettingsReader.source("a", Sample.FILE + "name=n\n" + rich, List.of())
                .spark()
                .properties())
        .hasSize(502)
        .containsEntry("spark.x", "n of 4")
        .containsEntry("spark.java", "-Da=b -Dc=d");
  }

  /** Settings travel to executors, and into checkpoints, as their effective text. */
  @Test
  void thatAreReadCanBeReadAgainWithEveryKeyAndValueInThem() {
    String most =
        lines(1_900, i -> "spark.properties.\"spark.own." + i + "\" = 1")
            + "\nspark.properties.\"spark.long\" = \""
            + "\\u0001".repeat(12_000)
            + "\"\n"
            + lines(
                8,
                i ->
                    "spark.properties.\"spark.again."
                        + i
                        + "\" = ${spark.properties.\"spark.long\"}");
    Settings settings = SettingsReader.source("a", Sample.FILE + most, List.of());
    assertThat(settings.spark().properties()).hasSize(1_909);
    assertThat(SettingsReader.text("kept", SettingsWriter.render(settings), List.of()))
        .isEqualTo(settings);
  }

  @Test
  void ofADeviceThatDoesNotEndAreReadNoFurtherThanTheLimit() {
    Path zero = Path.of("/dev/zero");
    assertThatThrownBy(
            () -> assertTimeoutPreemptively(SOON, () -> SettingsReader.file(zero, List.of())))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("/dev/zero\n    must be a text of settings, of at most 256 KiB");
  }

  @Test
  void thatIncludeEachOtherByOtherNamesAreACycle() throws IOException {
    Path here = Files.createDirectories(directory.resolve("ra")).resolve("x.conf");
    Files.createDirectories(directory.resolve("rb"));
    Files.writeString(here, "include \"../rb/y.conf\"");
    Files.writeString(directory.resolve("rb/y.conf"), "include \"../ra/x.conf\"");
    assertThat(problems(here))
        .singleElement()
        .extracting(Problem::limit)
        .asString()
        .startsWith("includes itself: " + here + " -> ");

    Path self = Files.writeString(directory.resolve("self.conf"), "include \"./self.conf\"");
    assertThat(problems(self))
        .singleElement()
        .extracting(Problem::limit)
        .asString()
        .startsWith("includes itself: ");

    Path link = Files.createSymbolicLink(directory.resolve("link.conf"), self);
    Files.writeString(self, "include \"link.conf\"");
    assertThat(problems(link))
        .singleElement()
        .extracting(Problem::limit)
        .asString()
        .startsWith("includes itself: ");
  }

  @Test
  void thatIncludeTheNextTwiceEachAreReadALimitedNumberOfTimes() throws IOException {
    for (int i = 0; i < 24; i++) {
      Files.writeString(
          directory.resolve(i + ".conf"), "include \"%1$d\"\ninclude \"%1$d\"\n".formatted(i + 1));
    }
    Files.writeString(directory.resolve("24.conf"), "");
    List<Problem> problems =
        assertTimeoutPreemptively(SOON, () -> problems(directory.resolve("0.conf")));
    assertThat(problems)
        .singleElement()
        .extracting(Problem::limit)
        .asString()
        .contains("64 includes");
  }

  @Test
  void thatIncludeWhatIsNoFileSaySo() throws IOException {
    for (String name : List.of("\\u0000", "\\ud800", "/dev/zero", ".", "")) {
      Path file = Files.writeString(directory.resolve("odd.conf"), "include \"" + name + "\"");
      assertThat(problems(file)).as(name).hasSize(1);
      assertThat(new ConfigException(problems(file))).hasMessageMatching("[\\P{Cntrl}\n]+");
    }
  }

  @Test
  void neverMakeATerminalDoAnything() {
    String text =
        "\"\\u001b]0;x\\u0007\\u009b31m\" = \"\\u001b[2J\"\nname = \"\\u001b[2J"
            + "z".repeat(200_000)
            + "\"";
    ConfigException refused =
        new ConfigException(Sample.problemsOf(Sample.FILE + text, "a\u001b[m=1"));
    assertThat(refused).hasMessageMatching("[\\P{Cntrl}\n]+");
    assertThat(refused.getMessage()).hasSizeLessThan(4_000);
    assertThat(refused.problems()).hasSize(3);
  }

  @Test
  void ofThousandsOfMistakesShowTheFirst() {
    String text = lines(1_900, i -> "x".repeat(60) + i + "=1");
    ConfigException refused =
        assertTimeoutPreemptively(SOON, () -> new ConfigException(Sample.problemsOf(text)));
    assertThat(refused.problems()).hasSizeGreaterThan(1_900);
    assertThat(refused.getMessage()).startsWith("19").endsWith(" more\n").hasSizeLessThan(20_000);
  }

  @Test
  void holdNoTextThatNoSystemCallCanTake() {
    assertThat(Sample.problemsOf(Sample.FILE + "checkpoint.dir = \"a\\u0000b\""))
        .singleElement()
        .extracting(Problem::key)
        .isEqualTo("checkpoint.dir");
    assertThat(Sample.problemsOf(Sample.FILE + "checkpoint.dir = \"a\\ud800b\"")).hasSize(1);
    assertThat(Sample.problemsOf(Sample.FILE + "name = \"\\u0000undefined\\u0000\"")).hasSize(1);
  }

  @Test
  void keptWithARunReadNeitherFilesNorTheEnvironment() throws IOException {
    Path secret = Files.writeString(directory.resolve("secret.conf"), "name = stolen");
    for (String line :
        List.of(
            "include \"" + secret + "\"",
            "include file(\"" + secret + "\")",
            "include classpath(\"io/antiphon/conf/presets/quickstart.conf\")",
            "include url(\"http://127.0.0.1:9/x\")",
            "include required(\"preset:quickstart\")",
            "spark.properties.\"spark.x\" = ${PATH}",
            "spark.properties.\"spark.x\" = ${?PATH}",
            "name = ${backend.kind}")) {
      String text = Sample.FILE + line;
      assertThatThrownBy(() -> SettingsReader.text("checkpoint", text, List.of()))
          .as(line)
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("here\n    -> write the values themselves");
      Path kept = Files.writeString(directory.resolve("config.conf"), text);
      assertThatThrownBy(() -> SettingsReader.kept(kept)).isInstanceOf(ConfigException.class);
    }
  }

  private static List<Problem> problems(Path file) {
    return catchThrowableOfType(ConfigException.class, () -> SettingsReader.file(file, List.of()))
        .problems()
        .stream()
        .filter(problem -> !problem.value().equals("(missing)"))
        .toList();
  }
}
