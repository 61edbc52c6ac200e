package io.antiphon.comm;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.Members;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Locale;

/**
 * How long a rank has waited for the others of a group on one lane, where NCCL waits without a
 * limit. Kernels tell the host where a wait begins and ends ({@code peer_wait_begins} and {@code
 * peer_wait_ends} of peer_meeting.cu); a wait counts from when it is first seen here.
 */
final class NcclWait {
  /** Size of what the device writes: a count that is odd during a wait, and the operation. */
  static final int BYTES = 8;

  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int OPERATION = 4;

  private final ByteBuffer words;
  private final Members members;
  private final Duration limit;
  private int seen;
  private long since;

  /**
   * @param words {@link #BYTES} zeros
   */
  NcclWait(ByteBuffer words, Members members, Duration limit) {
    this.words = words;
    this.members = members;
    this.limit = limit;
  }

  /**
   * Fails if a wait lasts too long. Asked often, from any thread.
   *
   * @param now in nanoseconds, as {@link System#nanoTime}
   * @throws CommException that says who waited where and how long
   */
  synchronized void requireInTime(long now) {
    int count = (int) INT.getAcquire(words, 0);
    if (count != seen) {
      seen = count;
      since = now;
    }
    if (count % 2 == 0 || now - since < limit.toNanos()) {
      return;
    }
    throw new CommException(
        String.format(
            Locale.ROOT,
            "rank %d waited %.1f s for some rank at %s in group %s",
            members.worldRank(members.rank()),
            (now - since) / 1e9,
            Operation.of(words.getInt(OPERATION)).words(),
            members));
  }
}
