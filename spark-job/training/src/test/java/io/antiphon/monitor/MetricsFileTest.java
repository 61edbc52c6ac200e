package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MetricsFileTest {

  private final Path directory;
  private final Path path;

  MetricsFileTest(@TempDir Path directory) {
    this.directory = directory;
    path = directory.resolve("metrics.jsonl");
  }

  private void record(long... steps) {
    try (MetricsFile file = MetricsFile.open(path, 0)) {
      file.append(TestRun.info(0));
      LongStream.of(steps).forEach(step -> file.append(TestRun.step(step), TestRun.info(0)));
    }
  }

  private List<String> lines() throws IOException {
    return Files.readAllLines(path);
  }

  private static String golden(String name) throws IOException {
    try (var in = MetricsFileTest.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** One line of each kind, as documented in docs/metrics.md. */
  private void recordEveryKind() {
    try (MetricsFile file = MetricsFile.open(path, 0)) {
      file.append(TestRun.info(0));
      file.append(TestRun.step(1, 1.5, 0.25, 1.25, 1.0, 2), TestRun.info(0));
      StepMetrics diverged =
          new StepMetrics(
              2,
              Double.NaN,
              0,
              0,
              Double.POSITIVE_INFINITY,
              0.002,
              32,
              32,
              0.5,
              1,
              1,
              0,
              0,
              List.of(),
              Map.of("cuGraphLaunch", 1L, "cuMemcpyHtoDAsync", 2L));
      file.append(diverged, TestRun.info(0));
      file.append(new EvaluationMetrics(2, 3.0, 1000), TestRun.info(0));
      file.append(new RunEvent(RunEvent.Kind.SKIPPED_UPDATE, 2, "a \"quoted\"\nmessage"));
      file.appendEnd(2, RunSummary.Outcome.INTERRUPTED, "Ctrl-C");
    }
  }

  @Test
  void writesTheDocumentedSchema() throws IOException {
    recordEveryKind();
    assertThat(Files.readString(path)).isEqualTo(golden("metrics-golden.jsonl"));
  }

  @Test
  void whatIsReplayedIsWrittenTheSame() throws IOException {
    recordEveryKind();
    Path copy = directory.resolve("copy.jsonl");
    try (MetricsFile file = MetricsFile.open(copy, 0)) {
      MetricsFile.replay(path, new Recorder(file));
    }
    assertThat(copy).hasSameTextualContentAs(path);
  }

  /** A run that was started before clones could be reused must still resume. */
  @Test
  void aLineOfAnOldVersionSentEveryClone() throws IOException {
    record(1);
    String old = Files.readString(path).replaceAll(",\"(clonesSent|weightBytesSaved)\":\\d+", "");
    assertThat(old).doesNotContain("clonesSent");
    Files.writeString(path, old);
    Path copy = directory.resolve("copy.jsonl");
    try (MetricsFile file = MetricsFile.open(copy, 0)) {
      MetricsFile.replay(path, new Recorder(file));
    }
    assertThat(copy).content().contains("\"clones\":1,\"clonesSent\":1,\"weightBytesSaved\":0");
  }

  @Test
  void aLineIsThereBeforeTheFileIsClosed() throws IOException {
    try (MetricsFile file = MetricsFile.open(path, 0)) {
      file.append(TestRun.step(1), TestRun.info(0));
      assertThat(Files.readString(path)).startsWith("{\"step\":1,").endsWith("}\n");
    }
  }

  @Test
  void aResumeRemovesTheStepsThatComeAgain() throws IOException {
    record(1, 2, 3, 4);
    List<String> before = lines();
    try (MetricsFile file = MetricsFile.open(path, 2)) {
      file.append(TestRun.step(3), TestRun.info(2));
    }
    assertThat(lines()).isEqualTo(before.subList(0, 4));
  }

  @Test
  void aRunFromScratchStartsAnEmptyFile() throws IOException {
    record(1, 2);
    MetricsFile.open(path, 0).close();
    assertThat(path).isEmptyFile();
  }

  @Test
  void aResumeWithoutAFileStartsOne() throws IOException {
    MetricsFile.open(path, 7).close();
    assertThat(path).isEmptyFile();
  }

  @Test
  void aLineTornAnywhereIsRemovedAndNoOther() throws IOException {
    record(1, 2, 3);
    byte[] whole = Files.readAllBytes(path);
    int lastLine = Files.readString(path).lastIndexOf("{\"step\":3");
    for (int size = lastLine + 1; size < whole.length - 1; size++) {
      Files.write(path, Arrays.copyOf(whole, size));
      try (MetricsFile file = MetricsFile.open(path, 3)) {
        assertThat(file.unreadable().count()).as("cut at byte %d", size).isEqualTo(1);
        file.append(TestRun.step(3), TestRun.info(0));
      }
      assertThat(Files.readAllBytes(path)).as("cut at byte %d", size).isEqualTo(whole);
    }
  }

  @Test
  void aLineThatLacksOnlyItsEndIsKept() throws IOException {
    record(1, 2, 3);
    byte[] whole = Files.readAllBytes(path);
    Files.write(path, Arrays.copyOf(whole, whole.length - 1));
    try (MetricsFile file = MetricsFile.open(path, 3)) {
      assertThat(file.unreadable()).isEqualTo(UnreadableLines.NONE);
    }
    assertThat(Files.readAllBytes(path)).isEqualTo(whole);
  }

  @Test
  void linesThatAreNotOfThisFormatAreRemoved() throws IOException {
    record(1);
    String written = Files.readString(path);
    List<String> garbage =
        List.of(
            "\0\0\0",
            "[1]",
            "{\"step\":1}",
            "{\"kind\":\"other\",\"step\":1}",
            written.lines().toList().get(1).replace("\"targets\":32", "\"targets\":-1"),
            written.lines().toList().get(1).replace("\"clones\":1", "\"clones\":99999999999"),
            "{\"kind\":\"event\",\"step\":1,\"event\":\"unheard-of\",\"message\":\"\"}");
    Files.writeString(path, written + String.join("\n", garbage));
    try (MetricsFile file = MetricsFile.open(path, 1)) {
      assertThat(file.unreadable().count()).isEqualTo(garbage.size());
    }
    assertThat(path).hasContent(written);
  }

  /** Each would stop summary or report; the file is sound without it. */
  @Test
  void linesThatDoNotFollowThoseBeforeAreRemovedAndNamed() throws IOException {
    record(1, 2, 3);
    List<String> whole = lines();
    String otherExperts =
        whole.get(2).replace("\"step\":2,", "\"step\":3,").replace("[30,10,14,10]", "[30,10,24]");
    Map<String, String> strays =
        Map.of(
            whole.get(1),
            "step 1 comes after step 2",
            whole.get(2),
            "step 2 comes after step 2",
            otherExperts,
            "layer 1 has 3 experts at step 3, and had 4 before");
    for (Map.Entry<String, String> stray : strays.entrySet()) {
      List<String> damaged = new ArrayList<>(whole);
      damaged.add(3, stray.getKey());
      Files.write(path, damaged);
      try (MetricsFile file = MetricsFile.open(path, 3)) {
        assertThat(file.unreadable()).isEqualTo(new UnreadableLines(1, 4, stray.getValue()));
      }
      assertThat(lines()).isEqualTo(whole);
    }
  }

  @Test
  void evaluationsOutOfOrderAreRemovedAndNamed() throws IOException {
    record(1, 2, 3);
    try (MetricsFile file = MetricsFile.open(path, 3)) {
      file.append(new EvaluationMetrics(3, 2, 10), TestRun.info(0));
      file.append(new EvaluationMetrics(2, 2, 10), TestRun.info(0));
    }
    try (MetricsFile file = MetricsFile.open(path, 3)) {
      assertThat(file.unreadable().describe(path, "removed"))
          .isEqualTo(
              "an unreadable line of %s was removed: line 6, the evaluation of step 2 comes after that of step 3"
                  .formatted(path));
    }
    assertThat(lines()).hasSize(5);
  }

  /** What the rewind removes must not make sound lines look out of order. */
  @Test
  void aStrayLaterStepCostsNoOtherLine() throws IOException {
    record(1, 99, 2, 3);
    try (MetricsFile file = MetricsFile.open(path, 3)) {
      assertThat(file.unreadable()).isEqualTo(UnreadableLines.NONE);
    }
    assertThat(lines()).hasSize(4);
  }

  @Test
  void aRewindKeepsWhatTheProcessesWentThrough() throws IOException {
    try (MetricsFile file = MetricsFile.open(path, 0)) {
      file.append(TestRun.info(0));
      file.append(TestRun.step(1), TestRun.info(0));
      file.append(TestRun.step(2), TestRun.info(0));
      file.append(new EvaluationMetrics(2, 2, 10), TestRun.info(0));
      file.append(new RunEvent(RunEvent.Kind.CHECKPOINT, 2, ""));
      file.append(new RunEvent(RunEvent.Kind.RESTART, 2, "lost rank 1"));
      file.append(TestRun.info(2));
      file.appendEnd(2, RunSummary.Outcome.FAILED, "lost rank 1");
      file.rewind(1);
    }
    assertThat(lines()).hasSize(3);
    assertThat(lines().get(1)).startsWith("{\"step\":1,");
    assertThat(lines().get(2)).contains("restart");
  }

  @Test
  void anUnwritableFileIsNamed() {
    Path missing = directory.resolve("missing").resolve("metrics.jsonl");
    assertThatExceptionOfType(UncheckedIOException.class)
        .isThrownBy(() -> MetricsFile.open(missing, 0))
        .withMessageStartingWith("cannot write " + missing);
  }

  @Test
  void leavesNoDraftBehind() throws IOException {
    record(1, 2);
    MetricsFile.open(path, 1).close();
    try (var files = Files.list(directory)) {
      assertThat(files).containsExactly(path);
    }
  }
}
