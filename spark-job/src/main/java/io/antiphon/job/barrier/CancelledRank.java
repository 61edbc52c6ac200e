package io.antiphon.job.barrier;

import io.antiphon.device.LastResort;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.SparkConf;

/**
 * A rank whose task Spark may cancel. If it does not end soon after that, the log of its executor
 * says where its thread is, before the task reaper ends the process. The reaper lets the process
 * exit; if that does not succeed, the process is killed.
 */
final class CancelledRank {
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final int rank;
  private final Thread thread;
  private final Duration patience;
  private final Consumer<String> log;
  private final Supplier<Runnable> lastResort;
  private boolean ended;
  private Runnable disarm = () -> {};

  /**
   * Watches the rank that the calling thread runs.
   *
   * @param lastResort sees to it that the process is killed, and returns how to prevent that
   */
  CancelledRank(int rank, Consumer<String> log, Supplier<Runnable> lastResort) {
    this(rank, log, lastResort, PATIENCE);
  }

  CancelledRank(int rank, Consumer<String> log, Supplier<Runnable> lastResort, Duration patience) {
    this.rank = rank;
    this.thread = Thread.currentThread();
    this.patience = patience;
    this.log = log;
    this.lastResort = lastResort;
  }

  /** Watches a rank in an executor whose tasks Spark's reaper watches. */
  static CancelledRank inExecutor(int rank, Consumer<String> log, SparkConf spark) {
    boolean reaper = spark.getBoolean("spark.task.reaper.enabled", false);
    long limit = spark.getTimeAsMs("spark.task.reaper.killTimeout", "-1");
    return new CancelledRank(
        rank,
        log,
        () -> reaper && limit > 0 ? LastResort.after(Duration.ofMillis(limit))::close : () -> {});
  }

  /** Called when the task is cancelled; looks again after a while. */
  void watch() {
    Executor later = CompletableFuture.delayedExecutor(patience.toMillis(), TimeUnit.MILLISECONDS);
    later.execute(
        () -> {
          synchronized (this) {
            if (!ended) {
              log.accept(describe());
              disarm = lastResort.get();
            }
          }
        });
  }

  /** The rank has ended, one way or the other. */
  synchronized void end() {
    ended = true;
    disarm.run();
  }

  private String describe() {
    StringBuilder text =
        new StringBuilder("rank ")
            .append(rank)
            .append(" has not ended ")
            .append(patience.toMillis() / 1e3)
            .append(" s after its cancellation; its thread is ")
            .append(thread.getState());
    for (StackTraceElement frame : thread.getStackTrace()) {
      text.append("\n\tat ").append(frame);
    }
    return text.toString();
  }
}
