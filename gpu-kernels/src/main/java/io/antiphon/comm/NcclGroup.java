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
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * A rank of a run whose ranks reach each other through NCCL, on one host or several. Only bytes
 * move through NCCL; sums are made by kernels, in rank order, since NCCL's own order is not fixed.
 * Closed with its backend, after all recorded steps are closed: NCCL waits for graphs that use it.
 */
public final class NcclGroup implements AutoCloseable {
  private static final int ID_BYTES = 128;
  private static final Duration NO_LIMIT = Duration.ofDays(1);

  private final CudaBackend backend;
  private final Transport transport;
  private final PeerKernels kernels;
  private final Watch watch;
  private final List<Communicator> communicators = new ArrayList<>();
  private final AtomicReference<String> givenUp = new AtomicReference<>();
  private boolean closed;

  private NcclGroup(CudaBackend backend, Transport transport) {
    this.backend = backend;
    this.transport = transport;
    kernels = new PeerKernels(backend.kernels());
    watch = new Watch(backend.device(), NO_LIMIT);
  }

  /**
   * Joins the ranks of {@code transport}, which carries NCCL's identifiers.
   *
   * @throws DeviceException if NCCL is not installed
   */
  public static NcclGroup open(CudaBackend backend, Transport transport) {
    NcclLibrary.version(); // says what is missing
    NcclGroup group = new NcclGroup(backend, transport);
    backend.addHealthCheck(group::requireHealthy);
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
    communicators.add(communicator);
    return new NcclCollectives(this, communicator, lane);
  }

  /** Gives the group up: waits on the device end when this closes. From any thread. */
  public void abort(String reason) {
    givenUp.compareAndSet(null, reason);
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
    if (!closed) {
      communicators.forEach(Communicator::requireHealthy);
    }
  }

  /** Destroys the communicators if all went well, and aborts them otherwise. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    boolean healthy = true;
    try {
      requireHealthy();
    } catch (CommException e) {
      healthy = false;
    }
    closed = true;
    @Nullable RuntimeException first = null;
    for (Communicator communicator : communicators) {
      try {
        communicator.close(healthy);
      } catch (RuntimeException e) {
        first = first == null ? e : first;
      }
    }
    backend.computeLane().stream().synchronize();
    backend.transferLane().stream().synchronize();
    watch.close();
    if (first != null) {
      throw first;
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

  /** NCCL's communicator of one group. */
  static final class Communicator {
    private final Device device;
    private final Members members;
    private final ncclComm handle = new ncclComm();

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
      check(
          connecting(
              () ->
                  ncclAllGather(
                      new Raw(from), new Raw(to), bytes, ncclInt8, handle, handle(stream))),
          "all-gather");
    }

    /** Slab r at {@code from} goes to rank r, whose slab of this rank it becomes. */
    void allToAll(Stream stream, long from, long to, long slabBytes) {
      stream.use();
      check(ncclGroupStart(), "start an all-to-all");
      for (int peer = 0; peer < members.ranks(); peer++) {
        long offset = peer * slabBytes;
        check(
            ncclSend(new Raw(from + offset), slabBytes, ncclInt8, peer, handle, handle(stream)),
            "send");
        check(
            ncclRecv(new Raw(to + offset), slabBytes, ncclInt8, peer, handle, handle(stream)),
            "receive");
      }
      check(connecting(() -> ncclGroupEnd()), "enqueue an all-to-all");
    }

    /** The first call of its kind connects devices, which a thread that captures may not. */
    private int connecting(Supplier<Integer> call) {
      return device.relaxed(call);
    }

    void requireHealthy() {
      int[] error = new int[1];
      check(ncclCommGetAsyncError(handle, error), "ask for failures");
      if (error[0] != ncclSuccess && error[0] != ncclInProgress) {
        throw failure(error[0], "communicate");
      }
    }

    void close(boolean healthy) {
      if (healthy) {
        check(ncclCommDestroy(handle), "leave group " + members);
      } else {
        ncclCommAbort(handle);
      }
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

  private static CUstream_st handle(Stream stream) {
    return new CUstream_st(new Raw(stream.address()));
  }

  /** A device address for NCCL. */
  private static final class Raw extends Pointer {
    private Raw(long address) {
      this.address = address;
    }
  }
}
