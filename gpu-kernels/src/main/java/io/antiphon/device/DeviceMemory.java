package io.antiphon.device;

/** A block of device memory, zeroed when it was allocated. */
public final class DeviceMemory implements Block {
  private final DeviceHeap heap;
  private final long address;
  private final long bytes;
  private final Allocations.Entry entry;
  private boolean closed;

  DeviceMemory(DeviceHeap heap, String what, long address, long bytes) {
    this.heap = heap;
    this.address = address;
    this.bytes = bytes;
    this.entry = heap.allocations().add(this, what, bytes);
  }

  /** Device address of the first byte. */
  public long address() {
    if (closed) {
      throw new IllegalStateException("device memory of " + bytes + " bytes was freed");
    }
    return address;
  }

  /** Length. */
  public long bytes() {
    return bytes;
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
      heap.free(address, bytes);
    }
  }
}
