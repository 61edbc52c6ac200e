package io.antiphon.conf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IncludesTest {
  private final Path directory;

  IncludesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void bringInAPresetByNameOrAsAResource() throws IOException {
    Settings expected = SettingsReader.preset("quickstart", List.of("seed=5"));

    assertThat(read("include \"preset:quickstart\"\nseed = 5\n")).isEqualTo(expected);
    assertThat(read("include classpath(\"io/antiphon/conf/presets/quickstart.conf\")\nseed = 5\n"))
        .isEqualTo(expected);
    assertThat(read("include required(\"preset:quickstart\")\nseed = 5\n")).isEqualTo(expected);
  }

  @Test
  void bringInFilesRelativeToTheIncludingOne() throws IOException {
    Files.createDirectories(directory.resolve("parts/deep"));
    Files.writeString(directory.resolve("parts/base.conf"), "include \"deep/all\"\nseed = 5\n");
    Files.writeString(directory.resolve("parts/deep/all.conf"), Sample.FILE);
    Files.writeString(directory.resolve("parts/echo.conf"), "enabled = false\n");

    Settings settings =
        read(
            """
            include file("parts/base.conf")
            moe.echo { include "parts/echo" }
            """);

    assertThat(settings).isEqualTo(Sample.with("seed=5", "moe.echo.enabled=false"));
  }

  @Test
  void bringInOtherResources() {
    List<Problem> problems =
        Sample.problemsOf(
            Sample.FILE + "include classpath(\"io/antiphon/conf/log4j2.properties\")\n");

    assertThat(problems.get(0).file()).isEqualTo("classpath:io/antiphon/conf/log4j2.properties");
  }

  @Test
  void nameTheIncludedFileAndItsLine() throws IOException {
    Files.writeString(directory.resolve("bad.conf"), "\n\nmodel.layers = none\n");
    Files.writeString(directory.resolve("worse.conf"), "model {\n");

    List<Problem> problems =
        problems("include \"preset:quickstart\"\ninclude \"bad.conf\"\ninclude \"worse.conf\"\n");

    assertThat(problems)
        .extracting(problem -> problem.file() + ":" + problem.line())
        .containsExactly(
            directory.resolve("bad.conf") + ":3", directory.resolve("worse.conf") + ":2");
  }

  @Test
  void mustExistAndAreAllReported() throws IOException {
    Files.createDirectories(directory.resolve("folder"));
    List<Problem> problems =
        problems(
            """
            include "missing.conf"
            include file("also-missing.conf")
            include classpath("missing-resource.conf")
            include "preset:quickstrat"
            include classpath("io/antiphon/conf/presets/nothing.conf")
            include "folder"
            seed = -1
            """);

    assertThat(problems).extracting(Problem::line).containsExactly(1, 2, 3, 4, 5, 6, 7);
    assertThat(problems.get(0))
        .hasToString(
            directory.resolve("run.conf")
                + ":1: include \"missing.conf\"\n    there is no file "
                + directory.resolve("missing.conf")
                + "\n    -> correct the path, which is relative to this file; a preset is included"
                + " as \"preset:NAME\"");
    assertThat(problems.get(3).remedy()).isEqualTo("did you mean quickstart?");
    assertThat(problems.get(4).remedy()).startsWith("take one of moe-1b, quickstart, ");
    assertThat(problems.get(5).limit()).startsWith("must be a file: ");
  }

  @Test
  void areNotFetchedFromANetwork() throws IOException {
    List<Problem> problems =
        problems(
            """
            include url("https://example.org/a.conf")
            include "https://example.org/b.conf"
            """);

    assertThat(problems)
        .extracting(Problem::limit)
        .containsExactly(
            "settings are not fetched from a network", "settings are not fetched from a network");
    assertThat(problems).extracting(Problem::line).containsExactly(1, 2);
  }

  @Test
  void doNotGoInCircles() throws IOException {
    Files.writeString(directory.resolve("a.conf"), "include \"b.conf\"\n");
    Files.writeString(directory.resolve("b.conf"), "seed = 1\ninclude \"a.conf\"\n");

    Problem problem = Sample.only(problems("include \"a.conf\"\n"));

    assertThat(problem.file()).isEqualTo(directory.resolve("b.conf").toString());
    assertThat(problem.line()).isEqualTo(2);
    assertThat(problem.limit()).startsWith("includes itself: ").contains("a.conf -> ");
  }

  @Test
  void laterLinesWinOverThem() throws IOException {
    assertThat(read("seed = 1\ninclude \"preset:quickstart\"\nname = mine\n").name())
        .isEqualTo("mine");
  }

  private Settings read(String text) throws IOException {
    Path file = directory.resolve("run.conf");
    Files.writeString(file, text);
    return SettingsReader.file(file, List.of());
  }

  private List<Problem> problems(String text) {
    return catchThrowableOfType(ConfigException.class, () -> read(text)).problems();
  }
}
