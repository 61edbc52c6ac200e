package io.antiphon.comm;

import io.antiphon.device.Device;
import io.antiphon.device.DeviceMemory;
import io.antiphon.tensor.CommException;
import io.antiphon.transport.Members;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A rank's flags and staging slots of one group on one lane, with those of its peers mapped.
 * Mirrors {@code Control} of peer_group.cuh.
 */
final class ControlBlock {
  /** Most members of a group. */
  static final int MAX_RANKS = 64;

  /** Most bytes a rank sends in an exchange that is part of a meeting. */
  static final int STAGING_BYTES = 8192;

  private static final long MAGIC = 0x616e74697068L << 16;
  static final int EPOCH = 8;

  /** Where a block holds how often each member has come to a meeting, 8 bytes each. */
  static final int ARRIVED = 128;

  static final int RELEASED = ARRIVED + MAX_RANKS * Long.BYTES;
  static final int HEAD_BYTES = RELEASED + MAX_RANKS * Long.BYTES;
  private static final long GONE = 1L << 63;
  private static final long RELEASED_ALL = Long.MAX_VALUE;
  private static final Duration POLL = Duration.ofNanos(100_000);

  private final Device device;
  private final Members members;
  private final List<Endpoint> endpoints;
  private final DeviceMemory memory;
  private final SharedMemory shared;

  /** Allocates and exchanges control blocks; all members call this together. */
  ControlBlock(Device device, Members members, List<Endpoint> endpoints) {
    this.device = device;
    this.members = members;
    this.endpoints = endpoints;
    memory =
        device
            .heap()
            .allocate(
                "flags of a group of ranks", HEAD_BYTES + 2L * members.ranks() * STAGING_BYTES);
    device.heap().write(memory.address(), word(MAGIC + members.worldRank(members.rank())));
    shared = SharedMemory.open(device, members, endpoints, memory.address());
    for (int member = 0; member < members.ranks(); member++) {
      long found = device.heap().read(shared.address(member), Long.BYTES).getLong();
      if (found != MAGIC + members.worldRank(member)) {
        throw new CommException(
            "rank "
                + members.worldRank(members.rank())
                + " mapped the memory of rank "
                + members.worldRank(member)
                + " and found something else there");
      }
    }
  }

  /** Addresses of the control blocks of all members, as kernels take them. */
  long[] addresses() {
    long[] addresses = new long[MAX_RANKS];
    for (int member = 0; member < members.ranks(); member++) {
      addresses[member] = shared.address(member);
    }
    return addresses;
  }

  /**
   * Tells the peers that this rank comes to no meeting after the last one; its lanes must be idle.
   */
  void leave() {
    long epoch = device.heap().read(memory.address() + EPOCH, Long.BYTES).getLong();
    tell(ARRIVED, GONE | epoch);
  }

  /** Tells the peers how many shared buffers this rank has let go. */
  void release(long count) {
    tell(RELEASED, count);
  }

  /** Tells the peers that this rank has let go all their shared buffers. */
  void releaseAll() {
    tell(RELEASED, RELEASED_ALL);
  }

  private void tell(int field, long value) {
    long place = field + (long) members.rank() * Long.BYTES;
    for (int member = 0; member < members.ranks(); member++) {
      if (member != members.rank()) {
        device.heap().write(shared.address(member) + place, word(value));
      }
    }
  }

  /** Waits until no peer uses the first {@code count} shared buffers; false if one may still. */
  boolean awaitRelease(long count, Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      int missing = missing(count);
      if (missing < 0) {
        return true;
      }
      if (System.nanoTime() - deadline > 0) {
        // CUDA keeps memory that another process has mapped.
        return !endpoint(missing).sharesProcess(endpoint(members.rank()));
      }
      LockSupport.parkNanos(POLL.toNanos());
    }
  }

  private Endpoint endpoint(int member) {
    return endpoints.get(members.worldRank(member));
  }

  /** Waits as {@link #awaitRelease} does, for all buffers. */
  boolean awaitReleaseOfAll(Duration limit) {
    return awaitRelease(RELEASED_ALL, limit);
  }

  private int missing(long count) {
    ByteBuffer released =
        device.heap().read(memory.address() + RELEASED, members.ranks() * Long.BYTES);
    for (int member = 0; member < members.ranks(); member++) {
      if (member != members.rank() && released.getLong(member * Long.BYTES) < count) {
        return member;
      }
    }
    return -1;
  }

  private static ByteBuffer word(long value) {
    return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value);
  }

  /** Unmaps the peers' blocks. */
  void unmap() {
    shared.close();
  }

  /** Frees this rank's block, which no peer may use any more. */
  void free() {
    memory.close();
  }

  /** Leaves this rank's block to the peers, one of which may still use it. */
  void keep() {
    memory.keep();
  }
}
