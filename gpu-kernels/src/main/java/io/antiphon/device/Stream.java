package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;

/** An ordered queue of device work. */
public final class Stream implements AutoCloseable {
  private static final long FIRST_SCRATCH_BYTES = 1L << 20;

  private final Device device;
  private final DevicePointer.StreamHandle handle;
  private final List<DeviceMemory> scratch = new ArrayList<>();
  private boolean used;

  Stream(Device device, DevicePointer.StreamHandle handle) {
    this.device = device;
    this.handle = handle;
  }

  DevicePointer.StreamHandle handle() {
    return handle;
  }

  /**
   * Native handle, for libraries that enqueue work of their own; then {@link #use} must be told.
   */
  public long address() {
    return handle.address();
  }

  /** Notes that work was enqueued. */
  public void use() {
    used = true;
  }

  /** Whether work was enqueued since this was last asked. */
  public boolean takeUsed() {
    boolean was = used;
    used = false;
    return was;
  }

  /**
   * Address of memory that the kernels of one operation on this stream may use, 256-byte aligned,
   * whatever it holds; the stream's next operation may be given the same. It grows by need and
   * stays until the stream closes, since recorded graphs keep its address.
   */
  public long scratch(long bytes) {
    DeviceMemory last = scratch.isEmpty() ? null : scratch.get(scratch.size() - 1);
    if (last == null || last.bytes() < bytes) {
      long size = Math.max(bytes, last == null ? FIRST_SCRATCH_BYTES : 2 * last.bytes());
      last = device.heap().allocate("scratch of a stream", size);
      scratch.add(last);
    }
    return last.address();
  }

  /** Marks the end of the work enqueued so far. */
  public void record(Event event) {
    device.calls().check("cuEventRecord", cuEventRecord(event.handle(), handle), "record an event");
  }

  /** Makes all later work wait for {@code event}; the host does not wait. */
  public void await(Event event) {
    device
        .calls()
        .check(
            "cuStreamWaitEvent",
            cuStreamWaitEvent(handle, event.handle(), 0),
            "let a stream wait for an event");
  }

  /** Copies {@code bytes} of page-locked memory from {@code offset} on to the device. */
  public void upload(PinnedMemory from, int offset, long to, int bytes) {
    use();
    device
        .calls()
        .check(
            "cuMemcpyHtoDAsync",
            cuMemcpyHtoDAsync(
                new DevicePointer(to), at(from.bytes(), offset, bytes), bytes, handle),
            "copy " + bytes + " bytes to the device");
  }

  /** Copies {@code bytes} of device memory to page-locked memory from {@code offset} on. */
  public void download(long from, PinnedMemory to, int offset, int bytes) {
    use();
    device
        .calls()
        .check(
            "cuMemcpyDtoHAsync",
            cuMemcpyDtoHAsync(
                at(to.bytes(), offset, bytes), new DevicePointer(from), bytes, handle),
            "copy " + bytes + " bytes to the host");
  }

  private static Pointer at(ByteBuffer pinned, int offset, int bytes) {
    return Pointer.toBuffer(pinned.duplicate().limit(offset + bytes).position(offset));
  }

  /** Waits on the host until all enqueued work is done. */
  public void synchronize() {
    device
        .calls()
        .check("cuStreamSynchronize", cuStreamSynchronize(handle), "wait for a stream's work");
  }

  /**
   * Fails if the device is known to have failed; does not wait for it.
   *
   * @throws DeviceException that is sticky
   */
  public void requireAlive() {
    int result = cuStreamQuery(handle);
    device
        .calls()
        .check(
            "cuStreamQuery",
            result == CudaError.NOT_READY ? 0 : result,
            "ask whether the device works");
  }

  /**
   * Whether this process has lost the device; asks CUDA. From any thread that does nothing else
   * with a device.
   */
  public boolean isDeviceLost() {
    return device.isLost(handle);
  }

  @Override
  public void close() {
    device
        .releases()
        .now("cuStreamSynchronize", () -> cuStreamSynchronize(handle), "wait for a stream's work");
    scratch.forEach(DeviceMemory::close);
    device.destroy(handle);
  }
}
