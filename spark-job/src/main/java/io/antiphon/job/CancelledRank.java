package io.antiphon.job;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * A rank whose task Spark may cancel. If it does not end soon then, where it is goes to the log of
 * its executor, before the task reaper ends the process and nobody can tell any more.
 */
final class CancelledRank {
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final int rank;
  private final Thread thread;
  private final Duration patience;
  private final Consumer<String> log;
  private final AtomicBoolean ended = new AtomicBoolean();

  /** Of the calling thread. */
  CancelledRank(int rank, Consumer<String> log) {
    this(rank, log, PATIENCE);
  }

  CancelledRank(int rank, Consumer<String> log, Duration patience) {
    this.rank = rank;
    this.thread = Thread.currentThread();
    this.patience = patience;
    this.log = log;
  }

  /** The task was cancelled: looks again after a while. */
  void watch() {
    Executor later = CompletableFuture.delayedExecutor(patience.toMillis(), TimeUnit.MILLISECONDS);
    later.execute(
        () -> {
          if (!ended.get()) {
            log.accept(describe());
          }
        });
  }

  /** The rank has ended, one way or the other. */
  void end() {
    ended.set(true);
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
