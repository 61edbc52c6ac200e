package io.antiphon.comm;

import io.antiphon.device.Device;
import io.antiphon.kernel.CudaStorage;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Tensor;
import io.antiphon.transport.Members;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Buffers of this rank that a group uses, with their counterparts on the other members. */
final class SharedTensors {
  private final Device device;
  private final Members members;
  private final List<Endpoint> endpoints;
  private final Map<CudaStorage, Shared> buffers = new HashMap<>();
  private int serial;

  SharedTensors(Device device, Members members, List<Endpoint> endpoints) {
    this.device = device;
    this.members = members;
    this.endpoints = endpoints;
  }

  /** A buffer: its place in the order of first uses, and the addresses of views of it. */
  private record Shared(int serial, SharedMemory memory, Map<Long, View> views) {}

  /** Where a view lies on every member, as kernels take it. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, never changed
  private record View(long elements, long[] addresses) {}

  /**
   * Addresses of {@code tensor}'s counterparts on all members. The first use of a view exchanges
   * them, which all members do together.
   */
  long[] addresses(Operation operation, Tensor tensor) {
    CudaStorage storage = CudaStorage.of(tensor);
    if (members.ranks() == 1) {
      long[] own = new long[ControlBlock.MAX_RANKS];
      own[0] = CudaStorage.address(tensor);
      return own;
    }
    Shared shared = buffers.get(storage);
    if (shared == null) {
      SharedMemory memory = SharedMemory.open(device, members, endpoints, storage.address());
      shared = new Shared(serial++, memory, new HashMap<>());
      buffers.put(storage, shared);
    }
    View view = shared.views().get(tensor.offset());
    if (view == null || view.elements() != tensor.elements()) {
      view = new View(tensor.elements(), agree(operation, shared, tensor));
      shared.views().put(tensor.offset(), view);
    }
    return view.addresses();
  }

  private long[] agree(Operation operation, Shared shared, Tensor tensor) {
    ByteBuffer own =
        ByteBuffer.allocate(3 * Integer.BYTES + 2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    own.putInt(operation.number()).putInt(typeNumber(tensor.dtype())).putInt(shared.serial());
    own.putLong(tensor.elements()).putLong(tensor.offset());
    own.flip();
    long[] addresses = new long[ControlBlock.MAX_RANKS];
    List<ByteBuffer> all = members.exchange(own);
    for (int member = 0; member < members.ranks(); member++) {
      ByteBuffer theirs = all.get(member);
      boolean same =
          theirs.remaining() == own.remaining()
              && theirs.getInt(0) == own.getInt(0)
              && theirs.getInt(4) == own.getInt(4)
              && theirs.getInt(8) == own.getInt(8)
              && theirs.getLong(12) == own.getLong(12);
      if (!same) {
        throw new CommException(
            "ranks of group "
                + members
                + " do not call the same: rank "
                + members.worldRank(members.rank())
                + " "
                + describe(own)
                + ", rank "
                + members.worldRank(member)
                + " "
                + describe(theirs));
      }
      addresses[member] =
          shared.memory().address(member) + theirs.getLong(20) * tensor.dtype().bytes();
    }
    return addresses;
  }

  private static String describe(ByteBuffer call) {
    if (call.remaining() != 3 * Integer.BYTES + 2 * Long.BYTES) {
      return "something else";
    }
    return Operation.of(call.getInt(0)).words()
        + " of "
        + call.getLong(12)
        + " elements of "
        + typeName(call.getInt(4))
        + " in buffer "
        + call.getInt(8);
  }

  private static int typeNumber(DType dtype) {
    return dtype.name().hashCode();
  }

  private static String typeName(int number) {
    for (DType dtype : DType.values()) {
      if (typeNumber(dtype) == number) {
        return dtype.name();
      }
    }
    return "an unknown type";
  }

  /** Whether the group uses a buffer. */
  boolean contains(CudaStorage storage) {
    return buffers.containsKey(storage);
  }

  /** Unmaps the counterparts of a buffer that the group uses. */
  void forget(CudaStorage storage) {
    Shared shared = buffers.remove(storage);
    if (shared != null) {
      shared.memory().close();
    }
  }

  /** Buffers that the group uses. */
  Set<CudaStorage> all() {
    return Set.copyOf(buffers.keySet());
  }

  /** Unmaps everything. */
  void forgetAll() {
    buffers.values().forEach(shared -> shared.memory().close());
    buffers.clear();
  }
}
