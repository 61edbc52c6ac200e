package io.antiphon.comm;

import java.util.Map;

/** Numbers of the peer kernels' launchers, for the test that compares them with the kernels'. */
public final class PeerLaunch {
  private PeerLaunch() {}

  /** Ranks whose flags and addresses the kernels hold. */
  public static int mostRanks() {
    return ControlBlock.MAX_RANKS;
  }

  /** Slots whose list fits the shared memory that the launcher asks for. */
  public static int mostSlots() {
    return PeerKernels.MAX_SLOTS;
  }

  /** Dynamic shared memory of {@code peer_reduce_slots}. */
  public static int reduceSlotsSharedBytes() {
    return PeerKernels.REDUCE_SLOTS_SHARED_BYTES;
  }

  /** Bytes that a rank stages for each other and parity. */
  public static int stagingBytes() {
    return ControlBlock.STAGING_BYTES;
  }

  /** Places and sizes of the structures of peer_group.cuh, by what they are in C++. */
  public static Map<String, Integer> structures() {
    return Map.ofEntries(
        Map.entry("sizeof(Control)", ControlBlock.HEAD_BYTES),
        Map.entry("__builtin_offsetof(Control, epoch)", ControlBlock.EPOCH),
        Map.entry("__builtin_offsetof(Control, arrived)", ControlBlock.ARRIVED),
        Map.entry("__builtin_offsetof(Control, released)", ControlBlock.RELEASED),
        Map.entry("sizeof(Watch)", Watch.WATCH_BYTES),
        Map.entry("__builtin_offsetof(Failure, reason)", Watch.REASON),
        Map.entry("__builtin_offsetof(Failure, peer)", Watch.PEER),
        Map.entry("__builtin_offsetof(Failure, channel)", Watch.CHANNEL),
        Map.entry("__builtin_offsetof(Failure, operation)", Watch.OPERATION),
        Map.entry("__builtin_offsetof(Failure, phase)", Watch.PHASE),
        Map.entry("__builtin_offsetof(Failure, waited_ns)", Watch.WAITED));
  }
}
