package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.Redaction;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What a command line may hold, and what is shown of it. */
class ArgumentsTest {
  private static String error(int code, String... arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = Antiphon.commandLine();
    line.setErr(new PrintWriter(err));
    assertThat(line.execute(arguments)).isEqualTo(code);
    return err.toString();
  }

  @Test
  void anArgumentThatBeginsWithAnAtSignIsThatText(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("me"), "--tokens");
    for (Path at : new Path[] {file, directory}) {
      CommandLine.ParseResult parsed =
          Antiphon.commandLine()
              .parseArgs("generate", "--run-dir", "nowhere", "--prompt", "@" + at);
      assertThat(parsed.subcommand().<String>matchedOptionValue("--prompt", ""))
          .isEqualTo("@" + at);
    }
  }

  @Test
  void neitherControlCharactersNorSecretsNorMegabytesAreShown() {
    String error =
        error(
            Antiphon.USAGE,
            "train",
            "--preset",
            "quickstart",
            "--sett",
            "spark.properties.\"spark.hadoop.fs.s3a.secret.key\"=S3CRETKEY",
            "\u001b[2J" + "x".repeat(1 << 20));
    assertThat(error)
        .contains("--sett", Redaction.PLACEHOLDER, "?[2J")
        .doesNotContain("S3CRETKEY")
        .matches("[\\P{Cntrl}\n]{1,4000}");
    assertThat(error(Antiphon.USAGE, "train", "--preset", "\u001b[2J" + "y".repeat(1 << 20)))
        .matches("[\\P{Cntrl}\n]{1,4000}");
    assertThat(error(Antiphon.USAGE, "train", "--config", "a\u001bb\nc"))
        .contains("\na?b?c\n")
        .doesNotContain("\u001b");
  }

  @Test
  void moreArgumentsThanAnybodyTypesAreRefusedUnparsed() {
    String[] many = Collections.nCopies(60_000, "books.txt").toArray(String[]::new);
    many[0] = "plan";
    StringWriter err = new StringWriter();
    CommandLine line = Antiphon.commandLine();
    line.setErr(new PrintWriter(err, true));

    assertThat(Antiphon.run(line, many)).isEqualTo(Antiphon.USAGE);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).contains("60000 arguments", "at most 1000", "--config");

    err.getBuffer().setLength(0);
    String[] most = Arrays.copyOf(many, Antiphon.MOST_ARGUMENTS);
    assertThat(Antiphon.run(line, most)).isEqualTo(Antiphon.USAGE);
    assertThat(err.toString()).as("what the parser says").contains("--slots-per-rank");
  }

  @Test
  void aTerminalSeesNoControlCharactersOfAModelButAFileDoes() {
    String text = "one\n\ttwo\u001b[2J\u0007";
    assertThat(GenerateCommand.shown(text, true)).isEqualTo("one\n\ttwo?[2J?");
    assertThat(GenerateCommand.shown(text, false)).isEqualTo(text);
  }

  @Test
  void theEncodingOfArgumentsIsAFinding() {
    assertThat(CpuChecks.encoding("UTF-8").text()).doesNotContain("LC_ALL");
    assertThat(CpuChecks.encoding("ANSI_X3.4-1968").text())
        .contains("ANSI_X3.4-1968", "LC_ALL=C.UTF-8");
  }
}
