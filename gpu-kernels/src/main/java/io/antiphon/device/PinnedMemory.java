package io.antiphon.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;

/** Page-locked host memory that the device reads and writes too. */
public final class PinnedMemory implements Block {
  private final DeviceHeap heap;
  private final Pointer pointer;
  private final ByteBuffer bytes;
  private final long deviceAddress;
  private final Allocations.Entry entry;
  private boolean closed;

  PinnedMemory(DeviceHeap heap, Pointer pointer, ByteBuffer bytes, long deviceAddress) {
    this.heap = heap;
    this.pointer = pointer;
    this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    this.deviceAddress = deviceAddress;
    this.entry = heap.allocations().add(this, "page-locked memory", bytes.capacity());
  }

  /** The memory, little-endian; position and limit are the caller's. */
  public ByteBuffer bytes() {
    if (closed) {
      throw new IllegalStateException("pinned memory was freed");
    }
    return bytes;
  }

  /** Where the device sees it. */
  public long deviceAddress() {
    return deviceAddress;
  }

  @Override
  public void keep() {
    entry.settle();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      entry.settle();
      heap.free(pointer);
    }
  }
}
