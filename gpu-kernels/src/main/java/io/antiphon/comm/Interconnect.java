package io.antiphon.comm;

import io.antiphon.device.DeviceException;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.CudaLane;
import io.antiphon.tensor.CheckedCollectives;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * How a rank on a GPU reaches the others of its run: through peer memory in groups whose ranks are
 * on one host, through NCCL in the others. So experts that are spread over one host, and replicas
 * over several, use each what is fastest. Closed with its backend.
 */
public final class Interconnect {
  private final PeerGroup peers;
  private final Optional<NcclGroup> nccl;
  private final boolean always;

  private Interconnect(PeerGroup peers, Optional<NcclGroup> nccl, boolean always) {
    this.peers = peers;
    this.nccl = nccl;
    this.always = always;
  }

  /**
   * Joins the ranks of {@code transport}; all of them call this together.
   *
   * @param transport carries addresses; also used by whoever opened it, in the same order on all
   *     ranks
   * @param limit how long a rank waits for another before it gives up
   * @param alwaysNccl whether NCCL is used between ranks of one host too; the same on all ranks
   * @throws EnvironmentException if the environment of this process will not do
   * @throws DeviceException if NCCL is needed and not installed
   */
  public static Interconnect open(
      CudaBackend backend, Transport transport, Duration limit, boolean alwaysNccl) {
    PeerGroup peers = PeerGroup.open(backend, transport, limit);
    int[] everyone = new int[transport.ranks()];
    Arrays.setAll(everyone, rank -> rank);
    boolean needed = transport.ranks() > 1 && (alwaysNccl || !peers.reaches(everyone));
    return new Interconnect(
        peers,
        needed
            ? Optional.of(NcclGroup.open(backend, transport, limit, peers.work()))
            : Optional.empty(),
        alwaysNccl);
  }

  /** Whether some group needs NCCL; the same on all ranks. */
  public boolean usesNccl() {
    return nccl.isPresent();
  }

  /**
   * Collectives among {@code members}, ranks of the run in the order of the group, on one lane. All
   * members call this together.
   *
   * @throws CommException if they cannot connect
   * @throws DeviceException if devices of one host cannot reach each other's memory
   * @throws IllegalArgumentException if there are more than 64 members
   */
  public Collectives collectives(CudaLane lane, int... members) {
    boolean overNccl =
        nccl.isPresent() && members.length > 1 && (always || !peers.reaches(members));
    return new CheckedCollectives(
        overNccl
            ? nccl.orElseThrow().collectives(lane, members)
            : peers.collectives(lane, members));
  }

  /** Gives all groups up: all waits of this rank end, now and later. From any thread. */
  public void abort(String reason) {
    peers.abort(reason);
    nccl.ifPresent(group -> group.abort(reason));
  }

  /** Says in a few words what it uses. */
  @Override
  public String toString() {
    if (nccl.isEmpty()) {
      return "peer memory";
    }
    String version = "NCCL " + NcclLibrary.version();
    return always ? version : "peer memory within a host and " + version + " between hosts";
  }
}
