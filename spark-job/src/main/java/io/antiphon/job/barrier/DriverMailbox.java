package io.antiphon.job.barrier;

import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** The driver's end of the messages of one attempt. */
final class DriverMailbox implements AutoCloseable {
  private static final Map<UUID, DriverMailbox> OPEN = new ConcurrentHashMap<>();

  private final UUID attempt;
  private final Consumer<Serializable> reports;
  private final BooleanSupplier stopRequested;
  private final List<RankMessage.Failure> failures = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private boolean heard;
  private boolean closed;

  private DriverMailbox(
      UUID attempt, Consumer<Serializable> reports, BooleanSupplier stopRequested) {
    this.attempt = attempt;
    this.reports = reports;
    this.stopRequested = stopRequested;
  }

  /** Takes messages of {@code attempt} until closed. */
  static DriverMailbox open(
      UUID attempt, Consumer<Serializable> reports, BooleanSupplier stopRequested) {
    DriverMailbox mailbox = new DriverMailbox(attempt, reports, stopRequested);
    OPEN.put(attempt, mailbox);
    return mailbox;
  }

  /**
   * Delivers a message; true, but for a stop question that is denied. Late messages are dropped.
   */
  static boolean receive(RankMessage message) {
    DriverMailbox mailbox = OPEN.get(message.attempt());
    return mailbox == null || mailbox.take(message);
  }

  private synchronized boolean take(RankMessage message) {
    if (closed) {
      return true;
    }
    heard = true;
    if (message instanceof RankMessage.StopQuestion) {
      return stopRequested.getAsBoolean();
    }
    if (message instanceof RankMessage.Report report) {
      reports.accept(report.content());
    } else if (message instanceof RankMessage.Failure failure) {
      failures.add(failure);
    } else {
      ended.countDown();
    }
    return true;
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

  /** Nothing is delivered after this, not even what arrived before. */
  @Override
  public synchronized void close() {
    closed = true;
    OPEN.remove(attempt);
  }
}
