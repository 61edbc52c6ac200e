package io.antiphon.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.run.RankFailure;
import io.antiphon.train.report.RunSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Training over several JVMs of a real Spark cluster, compared with training in one. */
@Timeout(240)
class ClusterTest {
  private static final Duration LIMIT = Duration.ofMinutes(3);
  private static final long PAUSE_NANOS = 20_000_000;

  @TempDir static Path shared = Path.of("");
  private static Map<Long, String> expected = Map.of();

  private final ExecutorService background = Executors.newSingleThreadExecutor();

  @BeforeAll
  static void trainInOneJvm() throws Exception {
    SmallRun run = new SmallRun(shared, "local");
    assertThat(run.train()).isEqualTo(RunSummary.Outcome.COMPLETED);
    expected = run.losses();
    assertThat(expected).hasSize(120);
  }

  @AfterEach
  void nothingIsLeftRunning() {
    background.shutdownNow();
    assertThat(ProcessHandle.current().descendants()).isEmpty();
  }

  @Test
  void executorsTrainBitForBitWhatThreadsTrain() throws Exception {
    SmallRun run =
        new SmallRun(
            shared,
            "cluster",
            "spark.cluster=2",
            "spark.properties.spark.network.crypto.enabled=true");

    assertThat(run.train()).isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(run.losses()).isEqualTo(expected);
    assertThat(run.events("restart")).isEmpty();
  }

  @Test
  void aKilledExecutorCostsNoCommittedStep() throws Exception {
    SmallRun run = new SmallRun(shared, "killed", "spark.cluster=2");
    Future<RunSummary.Outcome> outcome = background.submit(run::train);
    long committed = killAnExecutorAfterACheckpoint(run, outcome);

    assertThat(outcome.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
        .isEqualTo(RunSummary.Outcome.COMPLETED);
    assertThat(run.events("restart")).hasSize(1);
    assertThat(run.events("restart").get(0)).isGreaterThanOrEqualTo(committed);
    assertThat(run.losses()).isEqualTo(expected);
  }

  @Test
  void withoutRestartsAKilledExecutorEndsTheRunWithOneLine() throws Exception {
    SmallRun run = new SmallRun(shared, "bounded", "spark.cluster=2", "spark.max-restarts=0");
    Future<RunSummary.Outcome> outcome = background.submit(run::train);
    killAnExecutorAfterACheckpoint(run, outcome);

    assertThatThrownBy(() -> outcome.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(RankFailure.class)
        .hasMessageContaining("lost")
        .message()
        .endsWith("(spark.max-restarts is 0)")
        .hasLineCount(1);
  }

  private static long killAnExecutorAfterACheckpoint(
      SmallRun run, Future<RunSummary.Outcome> outcome) throws Exception {
    await(() -> outcome.isDone() || !run.events("checkpoint").isEmpty());
    assertThat(outcome).as("the run is on").isNotDone();
    List<Long> checkpoints = run.events("checkpoint");
    executors().get(0).destroyForcibly(); // SIGKILL
    return checkpoints.get(checkpoints.size() - 1);
  }

  /** Executors are children of the workers, which are children of this JVM. */
  private static List<ProcessHandle> executors() {
    return ProcessHandle.current().children().flatMap(ProcessHandle::children).toList();
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > end) {
        throw new IOException("nothing happened within " + LIMIT.toSeconds() + " s");
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }
}
