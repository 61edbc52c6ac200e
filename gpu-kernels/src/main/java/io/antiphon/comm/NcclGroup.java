package io.antiphon.comm;

import io.antiphon.device.DeviceException;
import io.antiphon.device.LastResort;
import io.antiphon.device.PinnedMemory;
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
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank of a run whose ranks reach each other through NCCL, on one host or several. Only bytes
 * move through NCCL; sums are made by kernels, in rank order, since NCCL's own order is not fixed.
 * Closed with its backend, after all recorded steps are closed: NCCL waits for graphs that use it.
 *
 * <p>NCCL's kernels wait for a peer as long as it takes, and NCCL itself notices that a peer is
 * gone only where it talks to it over a network. So the host looks how long they have waited, and
 * gives the group up after the limit. They end when the communicators are aborted, which a thread
 * does as soon as this rank gives up or NCCL reports a failure. The group is lost by then, so that
 * its other kernels use nothing of what an aborted call left behind.
 */
final class NcclGroup implements Companion {
  private static final Logger LOG = LoggerFactory.getLogger(NcclGroup.class);
  private static final Duration NO_LIMIT = Duration.ofDays(1);
  private static final Duration DRAIN = Duration.ofSeconds(20);

  private final CudaBackend backend;
  private final Transport transport;
  private final Duration limit;
  private final EnqueuedWork work;
  private final PeerKernels kernels;
  private final Watch watch;
  private final List<NcclCommunicator> communicators = new ArrayList<>();
  private final List<NcclWait> waits = new CopyOnWriteArrayList<>();
  private final List<PinnedMemory> waitWords = new ArrayList<>();
  private final AtomicReference<String> givenUp = new AtomicReference<>();
  private final List<Thread> aborting = new ArrayList<>();
  private boolean closed;

  private NcclGroup(CudaBackend backend, Transport transport, Duration limit, EnqueuedWork work) {
    this.backend = backend;
    this.transport = transport;
    this.limit = limit;
    this.work = work;
    kernels = new PeerKernels(backend.kernels());
    watch = new Watch(backend.device(), NO_LIMIT);
  }

  /**
   * Joins the ranks of {@code transport}, which carries NCCL's identifiers.
   *
   * @param limit how long a rank waits for others on the device before it gives up
   * @param work of this rank
   * @throws DeviceException if NCCL is not installed
   */
  static NcclGroup open(
      CudaBackend backend, Transport transport, Duration limit, EnqueuedWork work) {
    NcclLibrary.version(); // says what is missing
    NcclGroup group = new NcclGroup(backend, transport, limit, work);
    backend.add(group);
    return group;
  }

  /**
   * Collectives among {@code members}, ranks of the run in the order of the group, on one lane. All
   * members call this together.
   *
   * @throws CommException if NCCL cannot connect them
   */
  Collectives collectives(CudaLane lane, int... members) {
    if (members.length > ControlBlock.MAX_RANKS) {
      throw new IllegalArgumentException(
          "a group has at most " + ControlBlock.MAX_RANKS + " ranks, was " + members.length);
    }
    NcclCommunicator communicator =
        new NcclCommunicator(backend.device(), new Members(transport, members));
    synchronized (communicators) {
      communicators.add(communicator);
      if (givenUp.get() != null) {
        startAbort(communicator);
      }
    }
    PinnedMemory words = backend.device().heap().pinned(NcclWait.BYTES);
    words.bytes().put(new byte[NcclWait.BYTES]).clear();
    waitWords.add(words);
    waits.add(new NcclWait(words.bytes(), communicator.members(), limit));
    return new NcclCollectives(this, communicator, lane, words.deviceAddress());
  }

  /** Gives the group up, from any thread: waits on the device end, and every later call fails. */
  void abort(String reason) {
    synchronized (communicators) {
      if (givenUp.compareAndSet(null, reason) && !closed) {
        watch.abort(); // first: what an abort leaves in memory must not be used
        communicators.forEach(this::startAbort);
      }
    }
  }

  /** Aborts on a thread of its own, since that lasts until the steps that use others are closed. */
  private void startAbort(NcclCommunicator communicator) {
    Thread thread = new Thread(() -> abort(communicator), "nccl-abort " + communicator.members());
    thread.setDaemon(true);
    thread.start();
    aborting.add(thread);
  }

  /**
   * Aborts, unless the device has failed: there nothing waits, and NCCL's threads may crash trying
   * to free.
   */
  private void abort(NcclCommunicator communicator) {
    if (!backend.computeLane().stream().isDeviceLost()) {
      communicator.abort();
    }
  }

  /**
   * Returns unless NCCL has noticed a failure, this rank has waited too long, or the group was
   * given up.
   *
   * @throws CommException that says which
   */
  @Override
  public void requireHealthy() {
    String reason = givenUp.get();
    if (reason != null) {
      throw new CommException("rank " + transport.rank() + " gave up: " + reason);
    }
    try {
      communicators.forEach(NcclCommunicator::requireHealthy);
      waits.forEach(wait -> wait.requireInTime(System.nanoTime()));
    } catch (CommException e) {
      abort(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  @Override
  public boolean letsGo(CudaStorage memory) {
    return closed || isIdle();
  }

  private boolean isHealthy() {
    try {
      requireHealthy();
      return true;
    } catch (CommException e) {
      return false;
    }
  }

  /** Waits for enqueued work; gives the group up if a peer seems not to come. */
  private boolean isIdle() {
    if (!work.hangs() && isHealthy() && backend.drain(limit)) {
      return true;
    }
    abort("work that waits for other ranks has not ended after " + limit.toSeconds() + " s");
    return work.ends(DRAIN);
  }

  /** Destroys the communicators if all went well, and aborts them otherwise. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (backend.device().releases().isLost()) { // NCCL would wait for what is there
      markClosed();
      LastResort.insteadOfExit();
      return;
    }
    isIdle();
    markClosed();
    if (givenUp.get() == null) {
      communicators.forEach(NcclCommunicator::destroy);
    } else if (work.hangs() || !abortsEnd()) {
      LOG.warn("rank {}: NCCL does not let go of a lost group", transport.rank());
      LastResort.insteadOfExit();
    }
    if (work.hangs()) {
      throw work.abandoned();
    }
    waits.clear();
    waitWords.forEach(PinnedMemory::close);
    watch.close();
  }

  /** Ends what an abort would do: a later one leaves the communicators alone. */
  private void markClosed() {
    synchronized (communicators) {
      closed = true;
    }
  }

  private boolean abortsEnd() {
    long deadline = System.nanoTime() + DRAIN.toNanos();
    try {
      for (Thread thread : aborting) {
        thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return aborting.stream().noneMatch(Thread::isAlive);
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
