package io.antiphon.comm;

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
}
