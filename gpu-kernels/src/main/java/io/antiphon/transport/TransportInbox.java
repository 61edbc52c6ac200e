package io.antiphon.transport;

import io.antiphon.tensor.CommException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The messages that wait for one rank, in order per sender. A deliverer asks for a {@link #buffer},
 * fills it and hands it over. The rank {@linkplain #take takes} one message per sender at a time,
 * and gives its buffer back by taking the next. So a steady exchange allocates nothing.
 */
public final class TransportInbox {
  private final int rank;
  private final Duration timeout;
  private final Queue[] queues;
  private final AtomicReference<@Nullable String> lost = new AtomicReference<>();

  /**
   * @param rank owner of the inbox
   * @param ranks number of senders
   * @param timeout how long {@link #take} waits
   */
  public TransportInbox(int rank, int ranks, Duration timeout) {
    if (rank < 0 || rank >= ranks) {
      throw new IllegalArgumentException("rank " + rank + " is not in [0, " + ranks + ")");
    }
    this.rank = rank;
    this.timeout = timeout;
    this.queues = new Queue[ranks];
    for (int sender = 0; sender < ranks; sender++) {
      queues[sender] = new Queue();
    }
  }

  /**
   * An off-heap, little-endian buffer for the next message of {@code sender}, with position 0 and
   * limit {@code bytes}.
   *
   * @throws IllegalArgumentException if {@code bytes} is not in {@code [0,
   *     Transport.MAX_MESSAGE_BYTES]}
   */
  public ByteBuffer buffer(int sender, int bytes) {
    checkSize(bytes);
    return queues[sender].pool.take(bytes);
  }

  /** Hands over a filled {@link #buffer}; its bytes from 0 to the limit are the message. */
  public void deliver(int sender, ByteBuffer message) {
    queues[sender].deliver(message);
  }

  /** A copy of {@code message} becomes the next message of {@code sender}. */
  public void copy(int sender, ByteBuffer message) {
    ByteBuffer buffer = buffer(sender, message.remaining());
    buffer.put(0, message, message.position(), message.remaining());
    deliver(sender, buffer);
  }

  /** Waits for the next message of {@code sender}, as {@link Transport#receive} promises. */
  public ByteBuffer take(int sender) {
    return queues[sender].take(sender);
  }

  /** The group is lost: wakes everybody who waits. Only the first reason is kept. */
  public void fail(String reason) {
    if (lost.compareAndSet(null, reason)) {
      for (Queue queue : queues) {
        queue.wake();
      }
    }
  }

  /** Notes that no message of {@code sender} follows those already delivered. */
  public void finish(int sender) {
    queues[sender].finish();
  }

  /** Whether {@link #fail} was called. */
  public boolean isLost() {
    return lost.get() != null;
  }

  /**
   * Fails if the group is lost.
   *
   * @throws CommException if the group is lost
   */
  public void requireGroup() {
    String reason = lost.get();
    if (reason != null) {
      throw new CommException("rank " + rank + ": the group is lost: " + reason);
    }
  }

  /**
   * Fails if no message can have this size.
   *
   * @throws IllegalArgumentException if no message can have this size
   */
  public static void checkSize(int bytes) {
    if (bytes < 0 || bytes > Transport.MAX_MESSAGE_BYTES) {
      throw new IllegalArgumentException(
          "a message has at most " + Transport.MAX_MESSAGE_BYTES + " bytes, not " + bytes);
    }
  }

  /** What one sender delivered, and the buffers that its next messages may use. */
  private final class Queue {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<ByteBuffer> messages = new ArrayDeque<>();
    private final BufferPool pool = new BufferPool();
    private @Nullable ByteBuffer taken;
    private boolean finished;

    void deliver(ByteBuffer message) {
      lock.lock();
      try {
        messages.add(message.position(0));
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    ByteBuffer take(int sender) {
      long start = System.nanoTime();
      long left = timeout.toNanos();
      lock.lock();
      try {
        recycle();
        while (true) {
          requireGroup();
          ByteBuffer message = messages.poll();
          if (message != null) {
            taken = message;
            return message;
          }
          if (finished) {
            throw new CommException(
                "rank " + rank + " waits for rank " + sender + ", which has left the group");
          }
          if (left <= 0) {
            throw new CommException(
                "rank %d: no message from rank %d within %s (limit %s)"
                    .formatted(
                        rank,
                        sender,
                        seconds(Duration.ofNanos(System.nanoTime() - start)),
                        seconds(timeout)));
          }
          left = changed.awaitNanos(left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommException(
            "rank " + rank + " was interrupted while it waited for rank " + sender, e);
      } finally {
        lock.unlock();
      }
    }

    private void recycle() {
      ByteBuffer last = taken;
      if (last != null) {
        taken = null;
        pool.give(last);
      }
    }

    void finish() {
      lock.lock();
      try {
        finished = true;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    void wake() {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private static String seconds(Duration duration) {
    double seconds = TimeUnit.NANOSECONDS.toMillis(duration.toNanos()) / 1000.0;
    return String.format(Locale.ROOT, "%.1f s", seconds);
  }
}
