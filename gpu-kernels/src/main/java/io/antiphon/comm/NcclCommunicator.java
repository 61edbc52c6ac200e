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

import io.antiphon.device.Device;
import io.antiphon.device.Stream;
import io.antiphon.tensor.CommException;
import io.antiphon.transport.Members;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * NCCL's communicator of one group, on one rank. Calls and the abort exclude each other; a call
 * that itself waits for a lost peer does not keep the abort from coming.
 */
final class NcclCommunicator {
  private static final int ID_BYTES = 128;
  private static final Duration CALL = Duration.ofSeconds(10);

  private final Device device;
  private final Members members;
  private final ncclComm handle = new ncclComm();
  private final ReentrantLock calling = new ReentrantLock();
  private final int[] error = new int[1];
  private volatile boolean gone;

  NcclCommunicator(Device device, Members members) {
    this.device = device;
    this.members = members;
    byte[] id = new byte[ID_BYTES];
    try (ncclUniqueId made = new ncclUniqueId()) {
      if (members.rank() == 0) {
        check(ncclGetUniqueId(made), "make an identifier");
        new BytePointer(made).get(id);
      }
      members.exchange(ByteBuffer.wrap(id)).get(0).get(id);
      new BytePointer(made).put(id);
      check(
          ncclCommInitRank(handle, members.ranks(), made, members.rank()), "join group " + members);
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
    calling.lock();
    try {
      if (gone) {
        return; // an abort came first
      }
      gone = true;
    } finally {
      calling.unlock();
    }
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
    boolean before = gone;
    gone = true;
    if (alone) {
      calling.unlock();
    }
    if (!before) {
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
