package io.antiphon.comm;

import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.device.PeerMemory;
import io.antiphon.kernel.Companion;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.CudaLane;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.transport.Members;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank of a run whose ranks reach each other's device memory: threads of one process, or
 * processes of one host. Closed with its backend.
 *
 * @see io.antiphon.comm
 */
final class PeerGroup implements Companion {
  private static final Logger LOG = LoggerFactory.getLogger(PeerGroup.class);
  private static final String CONNECTIONS = "CUDA_DEVICE_MAX_CONNECTIONS";
  private static final int MOST_CONNECTIONS = 32;
  private static final Duration GRACE = Duration.ofSeconds(10);
  private static final Duration DRAIN = Duration.ofSeconds(10);
  private static final Duration LOST_PEER = Duration.ofSeconds(5);

  private final CudaBackend backend;
  private final Transport transport;
  private final Duration limit;
  private final List<Endpoint> endpoints;
  private final EnqueuedWork work;
  private final Set<CudaStorage> sharedToTheEnd = new HashSet<>();
  private final PeerKernels kernels;
  private final Watch watch;
  private final List<PeerCollectives> groups = new ArrayList<>();
  private final AtomicReference<String> givenUp = new AtomicReference<>();
  private boolean peersMissing;
  private boolean peersSilent;
  private volatile boolean closed;

  private PeerGroup(CudaBackend backend, Transport transport, Duration limit) {
    this.backend = backend;
    this.transport = transport;
    this.limit = limit;
    work = new EnqueuedWork(backend, transport.rank());
    // Before anything waits on the device: loading kernels may have to wait for all that runs
    // there.
    kernels = new PeerKernels(backend.kernels());
    watch = new Watch(backend.device(), limit);
    Members world = Members.world(transport);
    endpoints =
        world.exchange(Endpoint.of(backend.device()).encode()).stream()
            .map(Endpoint::decode)
            .toList();
    requireConnections();
  }

  /**
   * Joins the ranks of {@code transport}; all of them call this together.
   *
   * @param transport carries addresses; also used by whoever opened it, in the same order on all
   *     ranks
   * @param limit how long a rank waits for another on the device before it gives up
   * @throws EnvironmentException if the environment of this process will not do
   */
  static PeerGroup open(CudaBackend backend, Transport transport, Duration limit) {
    PeerGroup group = new PeerGroup(backend, transport, limit);
    backend.add(group);
    return group;
  }

  /** Waits on the host until every rank is here. */
  @Override
  public void stepIsReady() {
    Members.world(transport).meet();
  }

  /** Whether peer memory connects this rank with all {@code members}: they are on one host. */
  boolean reaches(int... members) {
    Endpoint here = endpoints.get(transport.rank());
    return Arrays.stream(members).allMatch(rank -> endpoints.get(rank).sharesHost(here));
  }

  private void connect(int... members) {
    Endpoint here = endpoints.get(transport.rank());
    for (int rank : members) {
      Endpoint there = endpoints.get(rank);
      if (!there.sharesHost(here)) {
        throw new CommException(
            "rank "
                + transport.rank()
                + " cannot reach the memory of rank "
                + rank
                + ", which is on another host: peer memory is for ranks of one host");
      }
      if (there.sharesProcess(here) && !there.sharesContext(here)) {
        PeerMemory.reach(backend.device(), there.device());
      }
    }
  }

  private void requireConnections() {
    Endpoint here = endpoints.get(transport.rank());
    int sharing = (int) endpoints.stream().filter(here::sharesContext).count();
    if (sharing > 1) {
      requireConnections(sharing, System.getenv(CONNECTIONS));
    }
  }

  /**
   * Streams of ranks that share a device in one process must not share its hardware queues, or a
   * wait blocks what it waits for. Only the environment can say so, before CUDA starts.
   */
  static void requireConnections(int ranks, @Nullable String value) {
    if (!Integer.toString(MOST_CONNECTIONS).equals(value)) {
      throw new EnvironmentException(
          ranks
              + " ranks of one process share a device: start the process with "
              + CONNECTIONS
              + "="
              + MOST_CONNECTIONS
              + " in its environment (it is "
              + (value == null ? "not set" : value)
              + "), or their waits may block each other's work");
    }
  }

  /**
   * Collectives among {@code members}, ranks of the run in the order of the group, on one lane. All
   * members call this together.
   *
   * @throws CommException if they are on several hosts
   * @throws DeviceException if their devices cannot reach each other
   */
  Collectives collectives(CudaLane lane, int... members) {
    if (members.length > ControlBlock.MAX_RANKS) {
      throw new IllegalArgumentException(
          "a group has at most " + ControlBlock.MAX_RANKS + " ranks, was " + members.length);
    }
    connect(members);
    PeerCollectives group =
        new PeerCollectives(this, lane, new Members(transport, members), groups.size());
    groups.add(group);
    return group;
  }

  /**
   * Gives the group up: all waits of this rank end, now and later, and its peers learn it. From any
   * thread; the first reason counts.
   */
  void abort(String reason) {
    givenUp.compareAndSet(null, reason);
    synchronized (watch) {
      if (!closed) {
        watch.abort();
      }
    }
  }

  /**
   * Returns unless a peer was lost or the group given up.
   *
   * @throws CommException which says who waited for whom, where and how long
   */
  @Override
  public void requireHealthy() {
    Optional<Watch.Failure> failure = closed ? Optional.empty() : watch.failure();
    String reason = givenUp.get();
    if (failure.isPresent()) {
      throw new CommException(describe(failure.orElseThrow(), reason));
    }
    if (reason != null) {
      throw new CommException("rank " + transport.rank() + " gave up: " + reason);
    }
  }

  private String describe(Watch.Failure failure, @Nullable String reason) {
    Members members = groups.get(failure.channel()).members();
    String where =
        (failure.phase() == 0 ? "at " : "at the end of ")
            + Operation.of(failure.operation()).words()
            + " in group "
            + members;
    String self = "rank " + transport.rank();
    String peer = "rank " + members.worldRank(failure.peer());
    String waited = String.format(Locale.ROOT, "%.1f s", failure.waited().toNanos() / 1e9);
    return switch (failure.reason()) {
      case TIMED_OUT -> self + " waited " + waited + " for " + peer + " " + where;
      case PEER_LEFT ->
          self + " waited for " + peer + " " + where + ", but it has failed or left the group";
      case ABORTED ->
          self
              + " gave up waiting for "
              + peer
              + " "
              + where
              + ": "
              + (reason == null ? "it is closing" : reason);
    };
  }

  private boolean isHealthy() {
    return givenUp.get() == null && watch.failure().isEmpty();
  }

  private Duration patience() {
    if (peersMissing || peersSilent) {
      return Duration.ZERO;
    }
    return isHealthy() || limit.compareTo(LOST_PEER) < 0 ? limit : LOST_PEER;
  }

  /** Lets go of a buffer that groups use, and waits until all their members have. */
  @Override
  public boolean letsGo(CudaStorage storage) {
    if (closed) {
      return !peersMissing || !sharedToTheEnd.contains(storage);
    }
    List<PeerCollectives> users = new ArrayList<>();
    for (PeerCollectives group : groups) {
      if (group.uses(storage)) {
        users.add(group);
      }
    }
    if (users.isEmpty()) {
      return true;
    }
    if (!isIdle()) {
      return false;
    }
    users.forEach(group -> tryToTell(() -> group.release(storage)));
    for (PeerCollectives group : users) {
      tryToTell(() -> await(group::awaitRelease));
    }
    if (peersMissing) {
      LOG.warn(
          "rank {} keeps {} elements of {}: a peer has not let them go",
          transport.rank(),
          storage.elements(),
          storage.dtype());
    }
    return !peersMissing;
  }

  /** Waits for the peers as long as there is hope; once in vain, not again. */
  private void await(Predicate<Duration> released) {
    Duration patience = patience();
    long start = System.nanoTime();
    peersMissing |= !released.test(patience);
    peersSilent |= System.nanoTime() - start >= patience.toNanos();
  }

  /** Writing to a peer whose process is gone may fail: then its memory counts as in use. */
  private void tryToTell(Runnable telling) {
    try {
      telling.run();
    } catch (DeviceException e) {
      LOG.warn("rank {}: {}", transport.rank(), e.getMessage());
      peersMissing = true;
    }
  }

  /** Waits for enqueued work; in a lost group not for long, and once in vain, not again. */
  private boolean isIdle() {
    return work.ends(isHealthy() ? limit : DRAIN);
  }

  /**
   * Leaves the group. Work that still waits for peers is ended. Waits a while for the peers to
   * leave too, so that none uses memory of this rank that is freed.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (backend.device().releases().isLost()) { // nothing there can be told or freed
      markClosed();
      peersMissing = true;
      return;
    }
    boolean idle = !work.hangs() && backend.drain(limit.compareTo(GRACE) < 0 ? limit : GRACE);
    if (!idle) {
      abort("it is closing");
      idle = work.ends(DRAIN);
    }
    markClosed();
    groups.forEach(group -> sharedToTheEnd.addAll(group.buffers()));
    if (!idle) {
      peersMissing = true;
      throw work.abandoned();
    }
    for (PeerCollectives group : groups) {
      tryToTell(group::leave);
    }
    for (PeerCollectives group : groups) {
      tryToTell(() -> await(group::close));
    }
    if (peersMissing) {
      LOG.warn(
          "rank {} left its group, but some peer did not: memory they share is kept",
          transport.rank());
    }
    watch.close();
  }

  /** Ends the aborting of waits, since their memory is about to be freed. */
  private void markClosed() {
    synchronized (watch) {
      closed = true;
    }
  }

  EnqueuedWork work() {
    return work;
  }

  Device device() {
    return backend.device();
  }

  List<Endpoint> endpoints() {
    return endpoints;
  }

  PeerKernels kernels() {
    return kernels;
  }

  Watch watch() {
    return watch;
  }

  void countOperation() {
    backend.operations().add();
  }
}
