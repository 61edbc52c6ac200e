package io.antiphon.comm;

import static org.bytedeco.cuda.global.nccl.ncclAllGather;
import static org.bytedeco.cuda.global.nccl.ncclCommAbort;
import static org.bytedeco.cuda.global.nccl.ncclCommDestroy;
import static org.bytedeco.cuda.global.nccl.ncclCommGetAsyncError;
import static org.bytedeco.cuda.global.nccl.ncclCommInitRank;
import static org.bytedeco.cuda.global.nccl.ncclGetErrorString;
import static org.bytedeco.cuda.global.nccl.ncclGetLastError;
import static org.bytedeco.cuda.global.nccl.ncclGetUniqueId;
import static org.bytedeco.cuda.global.nccl.ncclGroupEnd;
import static org.bytedeco.cuda.global.nccl.ncclGroupStart;
import static org.bytedeco.cuda.global.nccl.ncclInProgress;
import static org.bytedeco.cuda.global.nccl.ncclInt8;
import static org.bytedeco.cuda.global.nccl.ncclRecv;
import static org.bytedeco.cuda.global.nccl.ncclSend;
import static org.bytedeco.cuda.global.nccl.ncclSuccess;

import io.antiphon.cpu.Transport;
import io.antiphon.device.Device;
import io.antiphon.device.DeviceException;
import io.antiphon.device.Stream;
import io.antiphon.kernel.CudaBackend;
import io.antiphon.kernel.CudaLane;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.bytedeco.javacpp.Pointer;

/**
 * A rank of a run whose ranks reach each other through NCCL, on one host or several. Only bytes
 * move through NCCL; sums are made by kernels, in rank order, since NCCL's own order is not fixed.
 * Closed with its backend, after all recorded steps are closed: NCCL waits for graphs that use it.
 *
 * <p>NCCL's kernels wait for a peer as long as it takes. They end when the communicators are
 * aborted, which a thread does as soon as this rank gives up or NCCL reports a failure; NCCL itself
 * notices that a peer is gone only where it talks to it over a network. The group is lost by then,
 * so that its other kernels use nothing of what an aborted call left behind.
 */
public final class NcclGroup implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(NcclGroup.class.getName());
  private static final int ID_BYTES = 128;
  private static final Duration NO_LIMIT = Duration.ofDays(1);
  private static final Duration DRAIN = Duration.ofSeconds(20);

  private final CudaBackend backend;
  private final Transport transport;
  private final Duration limit;
  private final PeerKernels kernels;
  private final Watch watch;
  private final List<Communicator> communicators = new ArrayList<>();
  private final AtomicReference<String> givenUp = new AtomicReference<>();
  private final List<Thread> aborting = new ArrayList<>();
  private boolean hangs;
  private volatile boolean closed;

  private NcclGroup(CudaBackend backend, Transport transport, Duration limit) {
    this.backend = backend;
    this.transport = transport;
    this.limit = limit;
    kernels = new PeerKernels(backend.kernels());
    watch = new Watch(backend.device(), NO_LIMIT);
  }

  /**
   * Joins the ranks of {@code transport}, which carries NCCL's identifiers.
   *
   * @param limit how long enqueued work may take before memory that it uses is freed
   * @throws DeviceException if NCCL is not installed
   */
  public static NcclGroup open(CudaBackend backend, Transport transport, Duration limit) {
    NcclLibrary.version(); // says what is missing
    NcclGroup group = new NcclGroup(backend, transport, limit);
    backend.addHealthCheck(group::requireHealthy);
    backend.addFreeGate(storage -> group.isIdle());
    backend.addCompanion(group);
    return group;
  }

  /**
   * Collectives among {@code members}, ranks of the run in the order of the group, on one lane. All
   * members call this together.
   */
  public Collectives collectives(CudaLane lane, int... members) {
    if (members.length > ControlBlock.MAX_RANKS) {
      throw new IllegalArgumentException(
          "a group has at most " + ControlBlock.MAX_RANKS + " ranks, was " + members.length);
    }
    Communicator communicator = new Communicator(backend.device(), new Members(transport, members));
    synchronized (communicators) {
      communicators.add(communicator);
      if (givenUp.get() != null) {
        startAbort(communicator);
      }
    }
    return new NcclCollectives(this, communicator, lane);
  }

  /**
   * Gives the group up: waits on the device end, and no call succeeds any more. From any thread.
   */
  public void abort(String reason) {
    synchronized (communicators) {
      if (givenUp.compareAndSet(null, reason)) {
        if (!closed) {
          watch.abort(); // first: what an abort leaves in memory must not be used
        }
        communicators.forEach(this::startAbort);
      }
    }
  }

  /** Each on a thread of its own: an abort lasts until the steps that use the others are closed. */
  private void startAbort(Communicator communicator) {
    Thread thread = new Thread(communicator::abort, "nccl-abort " + communicator.members());
    thread.setDaemon(true);
    thread.start();
    aborting.add(thread);
  }

  /**
   * Returns unless NCCL has noticed a failure or the group was given up.
   *
   * @throws CommException with NCCL's reason
   */
  public void requireHealthy() {
    String reason = givenUp.get();
    if (reason != null) {
      throw new CommException("rank " + transport.rank() + " gave up: " + reason);
    }
    try {
      communicators.forEach(Communicator::requireHealthy);
    } catch (CommException e) {
      abort(String.valueOf(e.getMessage()));
      throw e;
    }
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
    if (hangs) {
      return false;
    }
    if (isHealthy() && backend.drain(limit)) {
      return true;
    }
    abort("work that waits for other ranks has not ended after " + limit.toSeconds() + " s");
    hangs = !backend.drain(DRAIN);
    if (hangs) {
      LOG.log(
          System.Logger.Level.WARNING,
          "rank {0}: enqueued work does not end; memory that it may use is kept",
          transport.rank());
    }
    return !hangs;
  }

  /** Destroys the communicators if all went well, and aborts them otherwise. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    isIdle();
    if (givenUp.get() == null) {
      communicators.forEach(Communicator::destroy);
    } else {
      awaitAbort();
    }
    if (hangs) {
      throw new DeviceException(
          "rank "
              + transport.rank()
              + " leaves its group with work that does not end; its memory is kept",
          null);
    }
    watch.close();
  }

  private void awaitAbort() {
    long deadline = System.nanoTime() + DRAIN.toNanos();
    try {
      for (Thread thread : aborting) {
        thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (aborting.stream().anyMatch(Thread::isAlive)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "rank {0}: NCCL does not let go of a lost group",
          transport.rank());
    }
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

  /**
   * NCCL's communicator of one group. Calls and the abort exclude each other; a call that itself
   * waits for a lost peer does not keep the abort from coming.
   */
  static final class Communicator {
    private static final Duration CALL = Duration.ofSeconds(10);

    private final Device device;
    private final Members members;
    private final ncclComm handle = new ncclComm();
    private final ReentrantLock calling = new ReentrantLock();
    private final int[] error = new int[1];
    private volatile boolean gone;

    Communicator(Device device, Members members) {
      this.device = device;
      this.members = members;
      byte[] id = new byte[ID_BYTES];
      try (ncclUniqueId made = new ncclUniqueId()) {
        if (members.rank() == 0) {
          check(ncclGetUniqueId(made), "make an identifier");
          new org.bytedeco.javacpp.BytePointer(made).get(id);
        }
        members.exchange(ByteBuffer.wrap(id)).get(0).get(id);
        new org.bytedeco.javacpp.BytePointer(made).put(id);
        check(
            ncclCommInitRank(handle, members.ranks(), made, members.rank()),
            "join group " + members);
      }
    }

    Members members() {
      return members;
    }

    /** {@code to} gets {@code bytes} bytes from every rank, rank by rank. */
    void allGather(Stream stream, long from, long to, long bytes) {
      stream.use();
      call(
          () ->
              check(
                  ncclAllGather(new Raw(from), new Raw(to), bytes, ncclInt8, handle, of(stream)),
                  "all-gather"));
    }

    /** Slab r at {@code from} goes to rank r, whose slab of this rank it becomes. */
    void allToAll(Stream stream, long from, long to, long slabBytes) {
      stream.use();
      call(
          () -> {
            check(ncclGroupStart(), "start an all-to-all");
            for (int peer = 0; peer < members.ranks(); peer++) {
              long offset = peer * slabBytes;
              check(
                  ncclSend(new Raw(from + offset), slabBytes, ncclInt8, peer, handle, of(stream)),
                  "send");
              check(
                  ncclRecv(new Raw(to + offset), slabBytes, ncclInt8, peer, handle, of(stream)),
                  "receive");
            }
            check(ncclGroupEnd(), "enqueue an all-to-all");
          });
    }

    /** The first call of its kind connects devices, which a thread that captures may not. */
    private void call(Runnable calls) {
      calling.lock();
      try {
        if (gone) {
          throw new CommException("group " + members + " was given up");
        }
        device.relaxed(
            () -> {
              calls.run();
              return members;
            });
      } finally {
        calling.unlock();
      }
    }

    void requireHealthy() {
      calling.lock();
      try {
        if (!gone) {
          check(ncclCommGetAsyncError(handle, error), "ask for failures");
          check(error[0], "communicate");
        }
      } finally {
        calling.unlock();
      }
    }

    /** Waits until nothing recorded uses the group. */
    void destroy() {
      gone = true;
      check(ncclCommDestroy(handle), "leave group " + members);
    }

    /** Ends what waits on the device at once, then waits until nothing recorded uses the group. */
    void abort() {
      boolean alone = false;
      try {
        alone = calling.tryLock(CALL.toSeconds(), TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      gone = true;
      if (alone) {
        calling.unlock();
      }
      ncclCommAbort(handle);
    }

    private void check(int result, String what) {
      if (result != ncclSuccess && result != ncclInProgress) {
        throw failure(result, what);
      }
    }

    private CommException failure(int result, String what) {
      return new CommException(
          "rank "
              + members.worldRank(members.rank())
              + " cannot "
              + what
              + ": NCCL says "
              + ncclGetErrorString(result).getString()
              + " ("
              + result
              + "), "
              + ncclGetLastError(null).getString());
    }
  }

  private static CUstream_st of(Stream stream) {
    return new CUstream_st(new Raw(stream.address()));
  }

  /** A device address for NCCL. */
  private static final class Raw extends Pointer {
    private Raw(long address) {
      this.address = address;
    }
  }
}
