package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemFreeHost;
import static jcuda.driver.JCudaDriver.cuMemHostAlloc;
import static jcuda.driver.JCudaDriver.cuMemHostGetDevicePointer;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import jcuda.Pointer;

/**
 * Memory that one user of a device holds there, and copies to and from it at once. Works while a
 * step is captured too, on a stream of its own. Used by one thread at a time.
 */
public final class DeviceHeap {
  private static final int HOST_MEMORY_MAPPED_AND_PORTABLE = 1 | 2;
  private static final int LEAST_BYTES = 256;

  private final Device device;
  private final CudaCalls calls;
  private final DevicePointer.StreamHandle service;
  private final Allocations allocations;
  private String advice = "";
  private ByteBuffer copied = ByteBuffer.allocateDirect(Long.BYTES);

  /**
   * @param service a stream for nothing else
   * @param leaks takes what is told of blocks that were not given back
   */
  DeviceHeap(Device device, DevicePointer.StreamHandle service, Consumer<String> leaks) {
    this.device = device;
    this.calls = device.calls();
    this.service = service;
    boolean traced = DeviceHeap.class.desiredAssertionStatus();
    allocations =
        new Allocations(
            "device " + device.ordinal(),
            traced,
            text -> {
              // After a failure memory is kept on purpose: somebody may still use it.
              if (!device.releases().hadFailure()) {
                leaks.accept(text);
              }
            });
  }

  Allocations allocations() {
    return allocations;
  }

  /**
   * What the message of {@link OutOfDeviceMemory} ends with: what holds the memory, and what to
   * change.
   *
   * @param sentences without the last full stop
   */
  public void advise(String sentences) {
    advice = sentences;
  }

  /**
   * Zeroed memory, 256-byte aligned.
   *
   * @param what for the message if there is no room
   * @throws OutOfDeviceMemory if there is no room
   */
  public DeviceMemory allocate(String what, long bytes) {
    long size = Math.max(bytes, LEAST_BYTES);
    return device.relaxed(
        () -> {
          DevicePointer pointer = new DevicePointer();
          if (!calls.hadMemory(
              "cuMemAlloc", cuMemAlloc(pointer, size), "allocate " + size + " bytes for " + what)) {
            throw new OutOfDeviceMemory(what, size, device.memory(), advice);
          }
          calls.check(
              "cuMemsetD8Async", cuMemsetD8Async(pointer, (byte) 0, size, service), "zero " + what);
          calls.check(
              "cuStreamSynchronize",
              cuStreamSynchronize(service),
              "wait for " + what + " to be zero");
          return new DeviceMemory(this, what, pointer.address(), size);
        });
  }

  void free(long address, long bytes) {
    device
        .releases()
        .memory(
            "cuMemFree",
            () -> cuMemFree(new DevicePointer(address)),
            "free " + bytes + " bytes of memory");
  }

  /** Page-locked memory of the host. */
  public PinnedMemory pinned(long bytes) {
    return device.relaxed(
        () -> {
          Pointer pointer = new Pointer();
          calls.check(
              "cuMemHostAlloc",
              cuMemHostAlloc(pointer, bytes, HOST_MEMORY_MAPPED_AND_PORTABLE),
              "allocate " + bytes + " bytes of page-locked host memory");
          DevicePointer onDevice = new DevicePointer();
          calls.check(
              "cuMemHostGetDevicePointer",
              cuMemHostGetDevicePointer(onDevice, pointer, 0),
              "map page-locked memory");
          return new PinnedMemory(
              this, pointer, pointer.getByteBuffer(0, bytes), onDevice.address());
        });
  }

  void free(Pointer pinned) {
    device.releases().memory("cuMemFreeHost", () -> cuMemFreeHost(pinned), "free pinned memory");
  }

  /** Copies bytes to a device address at once, whatever is enqueued. */
  public void write(long address, ByteBuffer bytes) {
    int length = bytes.remaining();
    ByteBuffer direct = ByteBuffer.allocateDirect(length).put(bytes.duplicate()).flip();
    device.relaxed(
        () -> {
          calls.check(
              "cuMemcpyHtoDAsync",
              cuMemcpyHtoDAsync(
                  new DevicePointer(address), Pointer.toBuffer(direct), length, service),
              "copy " + length + " bytes to the device");
          awaitService();
          return length;
        });
  }

  /** Reads bytes from a device address; little-endian. */
  public ByteBuffer read(long address, int length) {
    if (copied.capacity() < length) {
      copied = ByteBuffer.allocateDirect(length);
    }
    ByteBuffer direct = copied.duplicate().limit(length);
    return device.relaxed(
        () -> {
          calls.check(
              "cuMemcpyDtoHAsync",
              cuMemcpyDtoHAsync(
                  Pointer.toBuffer(direct), new DevicePointer(address), length, service),
              "copy " + length + " bytes to the host");
          awaitService();
          return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN).put(direct).flip();
        });
  }

  private void awaitService() {
    calls.check("cuStreamSynchronize", cuStreamSynchronize(service), "wait for a copy");
  }

  /** Tells of what was not given back. */
  void close() {
    allocations.tellOfLeaks();
  }
}
