package io.antiphon.device;

import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One device, which all ranks of this process share. They share a context. So a kernel that faults
 * takes the device from all of them. And freeing memory waits for the work of all of them: for
 * ever, if some of it does not end. A process that has lost a device leaves what it holds there
 * until it ends itself.
 *
 * <p>A lost device is recognised here and nowhere else, in one of two ways. Some CUDA call had a
 * result after which no other succeeds ({@link #observe}); or work has not ended in the time that
 * it was given ({@link #settle}). Once lost, a device stays lost, and the first reason counts.
 *
 * <p>What follows is not decided here, but in one place of the code that runs ranks. It asks {@link
 * #anyLoss} after a rank has failed, whatever its exception was: a rank whose own calls all
 * succeeded may share the device with the one whose kernel faulted, and a rank may fail because a
 * peer is gone. If a device is lost, this process must end, for a new one to get the device back; a
 * job on a cluster is then submitted again. {@link LastResort} ends a process that cannot exit.
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

  /** Why this process has lost a device, if it has lost one; from any thread. */
  public static Optional<String> anyLoss() {
    return ALL.values().stream().flatMap(device -> device.loss().stream()).findFirst();
  }

  /** Notes a stream and how to ask, from any thread of the device, whether its work is done. */
  synchronized void add(Object stream, BooleanSupplier isDone) {
    streams.put(stream, isDone);
  }

  /** Forgets a stream, which is not asked from then on. */
  synchronized void remove(Object stream) {
    streams.remove(stream);
  }

  /**
   * Takes note of the result of a CUDA call; from any thread.
   *
   * @param why what is said if the device is lost by it
   */
  void observe(int result, Supplier<String> why) {
    if (CudaError.isSticky(result)) {
      lose(why.get());
    }
  }

  /** Waits as {@link #awaitIdle}, and gives the device up if that takes longer. */
  void settle(Duration limit, String name) {
    if (!awaitIdle(limit)) {
      lose("work on %s has not ended after %d s".formatted(name, limit.toSeconds()));
    }
  }

  private synchronized void lose(String why) {
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

  /** Asks under the lock, so that no stream is destroyed while it is asked. */
  private synchronized void dropDone(IdentityHashMap<Object, BooleanSupplier> busy) {
    busy.keySet().removeIf(stream -> !streams.containsKey(stream));
    busy.values().removeIf(BooleanSupplier::getAsBoolean);
  }
}
