package io.antiphon.kernel;

import io.antiphon.device.Device;
import io.antiphon.device.Event;
import io.antiphon.device.PinnedMemory;
import io.antiphon.device.Stream;
import io.antiphon.tensor.HostIo;
import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;

/**
 * Copies between the host and a device through a small ring of page-locked memory. Writing returns
 * at once unless the ring is full; reading waits for the device.
 */
final class CudaHostIo implements HostIo, AutoCloseable {
  private static final int SLOTS = 8;
  private static final int SLOT_BYTES = 4 << 20;

  private final CudaLane compute;
  private final CudaLane transfer;
  private final PinnedMemory ring;
  private final Event[] copied = new Event[SLOTS];
  private int next;

  CudaHostIo(Device device, CudaLane compute, CudaLane transfer) {
    this.compute = compute;
    this.transfer = transfer;
    ring = device.heap().pinned((long) SLOTS * SLOT_BYTES);
    for (int slot = 0; slot < SLOTS; slot++) {
      copied[slot] = device.event();
    }
  }

  @Override
  public void write(Tensor to, long firstElement, ByteBuffer bytes) {
    HostIo.requireInside(to, firstElement, bytes);
    joinTransfers();
    ByteBuffer left = bytes.duplicate();
    long address = address(to, firstElement);
    while (left.hasRemaining()) {
      int length = Math.min(left.remaining(), SLOT_BYTES);
      int offset = claim() * SLOT_BYTES;
      ring.bytes().duplicate().position(offset).put(left.slice(left.position(), length));
      upload(offset, address, length);
      address += length;
      left.position(left.position() + length);
    }
    bytes.position(bytes.limit());
    transfer.follow(compute);
  }

  /** Writes with one copy on the way: from the arrays to page-locked memory. */
  @Override
  public void writeAll(Tensor to, int[]... parts) {
    HostIo.requireFilled(to, parts);
    joinTransfers();
    long address = address(to, 0);
    int offset = claim() * SLOT_BYTES;
    int length = 0;
    for (int[] part : parts) {
      int taken = 0;
      while (taken < part.length) {
        if (length == SLOT_BYTES) {
          upload(offset, address, length);
          address += length;
          length = 0;
          offset = claim() * SLOT_BYTES;
        }
        int count = Math.min(part.length - taken, (SLOT_BYTES - length) / Integer.BYTES);
        ints(offset + length).put(part, taken, count);
        taken += count;
        length += count * Integer.BYTES;
      }
    }
    upload(offset, address, length);
    transfer.follow(compute);
  }

  private IntBuffer ints(int offset) {
    return ring.bytes()
        .slice(offset, ring.bytes().capacity() - offset)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asIntBuffer();
  }

  private void upload(int offset, long address, int length) {
    compute.stream().upload(ring, offset, address, length);
    compute.stream().record(copied[next]);
    next = (next + 1) % SLOTS;
  }

  /** The next slot, free. */
  private int claim() {
    if (!copied[next].isReached()) {
      copied[next].await();
    }
    return next;
  }

  @Override
  public void read(Tensor from, long firstElement, ByteBuffer into) {
    HostIo.requireInside(from, firstElement, into);
    joinTransfers();
    Stream stream = compute.stream();
    long address = address(from, firstElement);
    while (into.hasRemaining()) {
      int length = Math.min(into.remaining(), SLOT_BYTES);
      int offset = claim() * SLOT_BYTES;
      stream.download(address, ring, offset, length);
      stream.synchronize();
      into.put(ring.bytes().slice(offset, length));
      address += length;
    }
  }

  @Override
  public void peek(Tensor from, long firstElement, ByteBuffer into) {
    HostIo.requireInside(from, firstElement, into);
    if (!(CudaStorage.of(from).memory() instanceof PinnedMemory pinned)) {
      throw new IllegalArgumentException(from + " is not visible to the host");
    }
    long first = (from.offset() + firstElement) * from.dtype().bytes();
    into.put(pinned.bytes().slice(Math.toIntExact(first), into.remaining()));
  }

  /** Orders the compute lane after what was enqueued on the transfer lane directly. */
  private void joinTransfers() {
    if (transfer.takeUsed()) {
      compute.await(transfer.record());
    }
  }

  private static long address(Tensor tensor, long firstElement) {
    return CudaStorage.address(tensor) + firstElement * tensor.dtype().bytes();
  }

  @Override
  public void close() {
    ring.close();
    for (Event event : copied) {
      event.close();
    }
  }
}
