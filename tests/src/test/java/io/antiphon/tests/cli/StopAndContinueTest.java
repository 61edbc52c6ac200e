package io.antiphon.tests.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ctrl-C, SIGTERM and kill -9 on a training run, and what the next run makes of it. */
class StopAndContinueTest {
  private static final int INTERRUPTED = 130;
  private static final int KILLED = 128 + 9;

  private final Path directory;
  private final Launcher antiphon;

  StopAndContinueTest(@TempDir Path temporary) throws IOException {
    directory = Files.createDirectories(temporary.resolve("with spaces"));
    antiphon = new Launcher(directory);
    Files.writeString(directory.resolve("text.txt"), text());
    Files.writeString(directory.resolve("run.conf"), SETTINGS);
  }

  @Test
  void aRunThatWasStoppedInEveryWayHasTheLossesOfOneThatWasNot() throws Exception {
    try (Launched whole = antiphon.run("train", "--config", "run.conf", "--run-dir", "whole")) {
      assertThat(whole.exitCode()).as(whole.output()).isZero();
      assertThat(whole.out()).contains("completed at step 400", "report: whole/report.html");
    }
    stop("INT", "step  50/400", INTERRUPTED);
    assertThat(Files.readString(directory.resolve("parts/summary.json"))).contains("interrupted");
    assertThat(Files.readString(directory.resolve("parts/config.conf"))).contains("steps = 400");
    stop("TERM", "step 100/400", INTERRUPTED);
    stop("KILL", "step 200/400", KILLED);
    Files.writeString(directory.resolve("parts/metrics.jsonl.partial"), "left over");
    try (Launched rest = train()) {
      assertThat(rest.exitCode()).as(rest.output()).isZero();
      assertThat(rest.out()).contains("from step ");
    }

    assertThat(lines("parts", "\"loss\"")).isEqualTo(lines("whole", "\"loss\"")).hasSize(400);
    assertThat(lines("parts", "\"validationLoss\""))
        .isEqualTo(lines("whole", "\"validationLoss\""));

    try (Launched again = train()) {
      assertThat(again.exitCode()).isZero();
      assertThat(again.out())
          .contains("is complete: 400 of 400 steps", "--set schedule.steps=800", "--run-dir");
    }
  }

  @Test
  void anInterruptBeforeTheFirstStepEndsTheRun() throws Exception {
    try (Launched run = antiphon.start("train", "--config", "run.conf", "--run-dir", "early")) {
      run.awaitOut("preparing data");
      run.signal("INT");

      assertThat(run.exitCode()).as(run.output()).isEqualTo(INTERRUPTED);
      assertThat(run.err()).contains("interrupted before the first step");
      assertThat(directory.resolve("early/checkpoints")).isEmptyDirectory();
    }
  }

  @Test
  void theThirdInterruptEndsAtOnceWithoutACheckpoint() throws Exception {
    try (Launched run =
        antiphon.start(
            "train",
            "--config",
            "run.conf",
            "--run-dir",
            "slow",
            "--set",
            "model.hidden=256",
            "--set",
            "moe.expert-ffn=1024",
            "--set",
            "model.layers=4",
            "--set",
            "schedule.micro-batch=32",
            "--set",
            "schedule.global-batch=256")) {
      run.awaitOut("400 steps on 2 ranks");
      run.signal("INT");
      run.awaitErr("Ctrl-C twice more");
      run.signal("INT");
      run.awaitErr("once more ends at once");
      run.signal("INT");

      assertThat(run.exitCode()).isEqualTo(INTERRUPTED);
      assertThat(directory.resolve("slow/checkpoints")).isEmptyDirectory();
    }
  }

  @Test
  void aDirectoryTrainsOneRunAtATime() throws Exception {
    try (Launched first =
        antiphon.start(
            "train",
            "--config",
            "run.conf",
            "--run-dir",
            "shared",
            "--set",
            "schedule.steps=90000")) {
      first.awaitOut("step ");
      try (Launched second = antiphon.run("train", "--config", "run.conf", "--run-dir", "shared")) {
        assertThat(second.exitCode()).as(second.output()).isEqualTo(2);
        assertThat(second.err()).contains("another process trains there: process ");
        assertThat(second.err()).doesNotContain("\tat ");
      }
    }
  }

  private void stop(String signal, String atLine, int exitCode) throws Exception {
    try (Launched run = train()) {
      run.awaitOut(atLine);
      run.signal(signal);
      assertThat(run.exitCode()).as(run.output()).isEqualTo(exitCode);
      if (exitCode == INTERRUPTED) {
        assertThat(run.out()).contains("interrupted at step ", "--run-dir parts again");
      }
    }
  }

  private Launched train() throws IOException {
    return antiphon.start("train", "--config", "run.conf", "--run-dir", "parts");
  }

  /** Step and value of every line of the metrics that has {@code name}; digits, not numbers. */
  private List<String> lines(String run, String name) throws IOException {
    return Files.readAllLines(directory.resolve(run).resolve("metrics.jsonl")).stream()
        .filter(line -> line.contains(name + ":"))
        .map(line -> line.replaceFirst(".*(\"step\":\\d+).*?(" + name + ":[^,]+).*", "$1 $2"))
        .toList();
  }

  private static String text() {
    SplittableRandom random = new SplittableRandom(3);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 4000; i++) {
      text.append(random.nextInt(1000)).append(i % 12 == 0 ? '\n' : ' ');
    }
    return text.toString();
  }

  private static final String SETTINGS =
      """
      name = stop
      model { layers = 1, hidden = 16, attention-heads = 2, key-value-heads = 1, sequence-length = 32 }
      moe { experts = 4, top-k = 2, expert-ffn = 16, router-skew = 1.0 }
      data.text = "text.txt"
      data.validation-sequences = 8
      optimizer.learning-rate = 3e-3
      schedule { steps = 400, warmup-steps = 10, global-batch = 4, micro-batch = 2, evaluate-every = 150 }
      parallelism.ranks = 2
      checkpoint.every-steps = 30
      monitor.log-every = 1
      """;
}
