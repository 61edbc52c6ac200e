package io.antiphon.job.barrier;

import io.antiphon.train.report.RunReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The driver's end of the messages of one attempt. */
final class DriverMailbox implements AutoCloseable {
  private static final Map<UUID, DriverMailbox> OPEN = new ConcurrentHashMap<>();

  private final UUID attempt;
  private final Consumer<RunReport> reports;
  private final BooleanSupplier stopRequested;
  private final List<RankMessage.Failure> failures = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private @Nullable Throwable undelivered;
  private boolean heard;
  private boolean closed;

  private DriverMailbox(UUID attempt, Consumer<RunReport> reports, BooleanSupplier stopRequested) {
    this.attempt = attempt;
    this.reports = reports;
    this.stopRequested = stopRequested;
  }

  /** Takes messages of {@code attempt} until closed. */
  static DriverMailbox open(
      UUID attempt, Consumer<RunReport> reports, BooleanSupplier stopRequested) {
    DriverMailbox mailbox = new DriverMailbox(attempt, reports, stopRequested);
    OPEN.put(attempt, mailbox);
    return mailbox;
  }

  /** Delivers a message. Those of an attempt that is over are dropped. */
  static RankMessage.Answer receive(RankMessage message) {
    DriverMailbox mailbox = OPEN.get(message.attempt());
    return mailbox == null ? RankMessage.Answer.GIVE_UP : mailbox.take(message);
  }

  private synchronized RankMessage.Answer take(RankMessage message) {
    if (closed) {
      return RankMessage.Answer.GIVE_UP;
    }
    heard = true;
    if (message instanceof RankMessage.Report report) {
      deliver(report.content());
    } else if (message instanceof RankMessage.Failure failure) {
      failures.add(failure);
    } else if (message instanceof RankMessage.End) {
      ended.countDown();
    }
    if (undelivered != null) {
      return RankMessage.Answer.GIVE_UP;
    }
    boolean stop = message instanceof RankMessage.StopQuestion && stopRequested.getAsBoolean();
    return stop ? RankMessage.Answer.STOP : RankMessage.Answer.GO_ON;
  }

  /** Spark would only log what is thrown here, and the run would go on unheard. */
  private void deliver(RunReport report) {
    if (undelivered != null) {
      return; // what follows a gap is no history
    }
    try {
      reports.accept(report);
    } catch (RuntimeException | Error failure) {
      undelivered = failure;
    }
  }

  /** Why a report could not be delivered; none was after it. */
  synchronized Optional<Throwable> undelivered() {
    return Optional.ofNullable(undelivered);
  }

  /** Whether any rank has sent anything. */
  synchronized boolean heard() {
    return heard;
  }

  /** Waits until everything rank 0 sent was delivered. */
  void awaitEnd(Duration limit) throws InterruptedException {
    if (!ended.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException(
          "the last reports of the run did not arrive within " + limit.toSeconds() + " s");
    }
  }

  /** What ranks said of their failures, the causes before those that only followed. */
  synchronized List<RankMessage.Failure> failures() {
    return failures.stream()
        .sorted(Comparator.comparing(failure -> failure.cause() == RankMessage.Cause.PEER))
        .toList();
  }

  /** Ends delivery. Nothing is delivered after this, not even what arrived before. */
  @Override
  public synchronized void close() {
    closed = true;
    OPEN.remove(attempt);
  }
}
