package io.antiphon.device;

import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One device as all of this process, several ranks perhaps, use it. They share a context: a kernel
 * that faults takes it from all of them, and to free memory waits for the work of all of them, so
 * for ever if some of it does not end. A process that has lost a device leaves what it holds there
 * until it ends itself.
 */
public final class SharedDevice {
  private static final Map<Integer, SharedDevice> ALL = new ConcurrentHashMap<>();
  private static final Duration POLL = Duration.ofMillis(1);

  private final IdentityHashMap<Object, BooleanSupplier> streams = new IdentityHashMap<>();
  private @Nullable String loss;

  SharedDevice() {}

  /** The device of that number. */
  static SharedDevice of(int ordinal) {
    return ALL.computeIfAbsent(ordinal, number -> new SharedDevice());
  }

  /** Why this process has lost a device, if it has lost one. */
  public static Optional<String> anyLoss() {
    return ALL.values().stream().flatMap(device -> device.loss().stream()).findFirst();
  }

  /** Notes a stream and how to ask, from any thread of the device, whether its work is done. */
  synchronized void add(Object stream, BooleanSupplier isDone) {
    streams.put(stream, isDone);
  }

  /** Forgets a stream, which nobody asks from then on. */
  synchronized void remove(Object stream) {
    streams.remove(stream);
  }

  /** Notes that this process has lost the device; the first reason counts. */
  synchronized void lose(String why) {
    if (loss == null) {
      loss = why;
    }
  }

  /** Why this process has lost the device, if it has. */
  synchronized Optional<String> loss() {
    return Optional.ofNullable(loss);
  }

  /**
   * Waits until each stream was seen without work; false if that takes longer, or the device is
   * lost. An interrupt does not end the wait: it says nothing about the device.
   */
  boolean awaitIdle(Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    IdentityHashMap<Object, BooleanSupplier> busy = copy();
    boolean interrupted = false;
    dropDone(busy);
    while (!busy.isEmpty() && loss().isEmpty() && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(POLL.toNanos());
      interrupted |= Thread.interrupted();
      dropDone(busy);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return busy.isEmpty() && loss().isEmpty();
  }

  private synchronized IdentityHashMap<Object, BooleanSupplier> copy() {
    return new IdentityHashMap<>(streams);
  }

  /** Under the lock, so that no stream is destroyed while it is asked. */
  private synchronized void dropDone(IdentityHashMap<Object, BooleanSupplier> busy) {
    busy.keySet().removeIf(stream -> !streams.containsKey(stream));
    busy.values().removeIf(BooleanSupplier::getAsBoolean);
  }
}
