package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuMemFreeHost;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;

/** Page-locked host memory that the device reads and writes too. */
public final class PinnedMemory implements AutoCloseable {
  private final Device device;
  private final Pointer pointer;
  private final ByteBuffer bytes;
  private final long deviceAddress;
  private boolean closed;

  PinnedMemory(Device device, Pointer pointer, ByteBuffer bytes, long deviceAddress) {
    this.device = device;
    this.pointer = pointer;
    this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    this.deviceAddress = deviceAddress;
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
  public void close() {
    if (!closed) {
      closed = true;
      device.releases().memory("cuMemFreeHost", () -> cuMemFreeHost(pointer), "free pinned memory");
    }
  }
}
