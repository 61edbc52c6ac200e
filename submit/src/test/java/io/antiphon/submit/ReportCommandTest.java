package io.antiphon.submit;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.SettingsReader;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.LocalCheckpoints;
import io.antiphon.run.RunDirectory;
import io.antiphon.run.ThreadHosts;
import io.antiphon.run.TrainingRun;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code antiphon report}, without Spark. */
class ReportCommandTest {
  private final Path directory;

  ReportCommandTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private Path trained() throws Exception {
    Path run = directory.resolve("run");
    PrintStream nowhere =
        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    RunSummary.Outcome outcome =
        new TrainingRun(
                SettingsReader.file(
                    TinyRun.settings(directory),
                    List.of(
                        "parallelism.ranks=1", "schedule.evaluate-every=3", "monitor.report=true")),
                run,
                Terminal.of(nowhere, false, Map.of()),
                new ThreadHosts())
            .run();
    assertThat(outcome).isEqualTo(RunSummary.Outcome.COMPLETED);
    return run;
  }

  private static TinyRun.Result report(Path run) {
    return TinyRun.antiphon("report", "--run-dir", run.toString());
  }

  @Test
  void bothFilesHaveTheirBytesAgainAndTheMetricsKeepTheirs() throws Exception {
    Path run = trained();
    List<String> files = List.of("summary.json", "report.html", "metrics.jsonl");
    List<String> before = read(run, files);
    Files.delete(run.resolve("summary.json"));
    Files.delete(run.resolve("report.html"));

    TinyRun.Result made = report(run);

    assertThat(made.exitCode()).as(made.err()).isZero();
    assertThat(made.err()).isEmpty();
    assertThat(made.out().strip())
        .isEqualTo("made summary.json and report.html of " + run + " again: completed, step 6");
    assertThat(read(run, files)).isEqualTo(before);
  }

  @Test
  void aTornLineOfAKilledRunIsNamedAndLeftOut() throws Exception {
    Path run = trained();
    Path metrics = run.resolve("metrics.jsonl");
    List<String> lines = Files.readAllLines(metrics);
    String whole = String.join("\n", lines.subList(0, lines.size() - 1)) + "\n";
    Files.writeString(metrics, whole + "{\"step\":");

    TinyRun.Result made = report(run);

    assertThat(made.exitCode()).isZero();
    assertThat(made.err().lines()).hasSize(1);
    assertThat(made.err())
        .startsWith("antiphon: an unreadable line of " + metrics + " was left out: line ");
    assertThat(made.out()).contains("again: running, step 6");
    assertThat(metrics).hasContent(whole + "{\"step\":");
  }

  @Test
  void whereAnotherProcessTrainsNothingIsMade() throws Exception {
    Path run = trained();
    Files.delete(run.resolve("summary.json"));
    try (RunDirectory held = RunDirectory.hold(run, LocalCheckpoints::open)) {
      assertThat(held.isComplete()).isFalse();
      assertRefused(run, "another process trains there: process " + ProcessHandle.current().pid());
    }
    assertThat(run.resolve("summary.json")).doesNotExist();
  }

  @Test
  void whatIsNoRunIsRefusedAndLeftAsItIs() throws IOException {
    assertRefused(directory.resolve("nowhere"), "there is no such directory");
    Path file = Files.writeString(directory.resolve("file"), "");
    assertRefused(file, "is a file");
    Path empty = Files.createDirectory(directory.resolve("empty"));
    assertRefused(empty, "it has no metrics.jsonl");
    assertThat(empty).isEmptyDirectory();
    Files.writeString(empty.resolve("metrics.jsonl"), "no\n", StandardOpenOption.CREATE_NEW);
    TinyRun.Result result = report(empty);
    assertThat(result.exitCode()).isEqualTo(Antiphon.USAGE);
    assertThat(result.err()).contains("its metrics.jsonl tells of no run").doesNotContain("\tat ");
    assertThat(empty.resolve("summary.json")).doesNotExist();
  }

  private static void assertRefused(Path run, String why) {
    TinyRun.Result result = report(run);
    assertThat(result.exitCode()).isEqualTo(Antiphon.USAGE);
    assertThat(result.err())
        .startsWith("antiphon: 1 problem")
        .contains("--run-dir: " + run, why)
        .doesNotContain("\tat ");
  }

  private static List<String> read(Path run, List<String> files) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String file : files) {
      all.append(Files.readString(run.resolve(file))).append('\0');
    }
    return List.of(all.toString().split("\0", -1));
  }
}
