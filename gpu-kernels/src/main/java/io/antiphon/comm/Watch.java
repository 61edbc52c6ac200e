package io.antiphon.comm;

import io.antiphon.device.Device;
import io.antiphon.device.DeviceMemory;
import io.antiphon.device.PinnedMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;

/**
 * What all waits of a rank look at: a word by which the host ends them, and a record of why one
 * gave up. Mirrors {@code Watch} and {@code Failure} of peer_group.cuh.
 */
final class Watch implements AutoCloseable {
  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int PAGE_BYTES = 4096;
  private static final int ABORT_WORD = 0;
  private static final int FAILURE = 64;

  /** Size of {@code Watch}, and places in {@code Failure}; compared with the kernels' by a test. */
  static final int WATCH_BYTES = 32;

  static final int REASON = 4;
  static final int PEER = 8;
  static final int CHANNEL = 12;
  static final int OPERATION = 16;
  static final int PHASE = 20;
  static final int WAITED = 32;

  private final PinnedMemory page;
  private final DeviceMemory memory;

  /** Why a wait ended without its peer. */
  enum Reason {
    /** The peer did not come within the limit. */
    TIMED_OUT,
    /** The peer left the group or gave up. */
    PEER_LEFT,
    /** This rank's host ended the wait. */
    ABORTED
  }

  /**
   * The first wait that gave up.
   *
   * @param peer position in the group
   * @param phase 0 before the operation, 1 after it
   */
  record Failure(Reason reason, int peer, int channel, int operation, int phase, Duration waited) {}

  /** Waits of at most {@code limit} on {@code device}. */
  Watch(Device device, Duration limit) {
    page = device.heap().pinned(PAGE_BYTES);
    page.bytes().put(new byte[PAGE_BYTES]).clear();
    memory = device.heap().allocate("state of a group of ranks", WATCH_BYTES);
    ByteBuffer watch = ByteBuffer.allocate(WATCH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    watch.putInt(0).putInt(0);
    watch.putLong(page.deviceAddress() + ABORT_WORD).putLong(page.deviceAddress() + FAILURE);
    watch.putLong(limit.toNanos());
    device.heap().write(memory.address(), watch.flip());
  }

  /** Device address, for kernels. */
  long address() {
    return memory.address();
  }

  /** Ends all waits, now and later. From any thread. */
  void abort() {
    INT.setRelease(page.bytes(), ABORT_WORD, 1);
  }

  /** The first failure, if there is one. */
  Optional<Failure> failure() {
    ByteBuffer bytes = page.bytes();
    if ((int) INT.getAcquire(bytes, FAILURE) == 0) {
      return Optional.empty();
    }
    return Optional.of(
        new Failure(
            reason(bytes.getInt(FAILURE + REASON)),
            bytes.getInt(FAILURE + PEER),
            bytes.getInt(FAILURE + CHANNEL),
            bytes.getInt(FAILURE + OPERATION),
            bytes.getInt(FAILURE + PHASE),
            Duration.ofNanos(bytes.getLong(FAILURE + WAITED))));
  }

  private static Reason reason(int number) {
    return switch (number) {
      case 1 -> Reason.TIMED_OUT;
      case 2 -> Reason.PEER_LEFT;
      default -> Reason.ABORTED;
    };
  }

  @Override
  public void close() {
    memory.close();
    page.close();
  }
}
