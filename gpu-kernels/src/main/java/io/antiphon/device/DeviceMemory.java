package io.antiphon.device;

/** A block of device memory, zeroed when it was allocated. */
public final class DeviceMemory implements AutoCloseable {
  private final Device device;
  private final long address;
  private final long bytes;
  private boolean closed;

  DeviceMemory(Device device, long address, long bytes) {
    this.device = device;
    this.address = address;
    this.bytes = bytes;
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

  /** Frees the memory; no enqueued work may use it. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      device.free(address, bytes);
    }
  }
}
