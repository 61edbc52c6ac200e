package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDeviceGetAttribute;
import static jcuda.driver.JCudaDriver.cuDeviceGetName;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;
import static jcuda.driver.JCudaDriver.cuStreamCreateWithPriority;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamIsCapturing;
import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuThreadExchangeStreamCaptureMode;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Supplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One CUDA device as one rank uses it, through the device's primary context, which ranks of one
 * process share. Used by one thread at a time, after {@link #makeCurrent}.
 */
public final class Device implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Device.class);
  private static final int FIRST_USE_BYTES = 256;

  private final int ordinal;
  private final CUdevice device;
  private final SharedDevice shared;
  private final CUcontext context;
  private final CudaCalls calls;
  private final Releases releases;
  private final String name;
  private final Architecture architecture;
  private final int multiprocessors;
  private final int sharedBytesPerBlock;
  private final DevicePointer firstUse;
  private final DevicePointer.StreamHandle service;
  private final DeviceHeap heap;

  private Device(int ordinal, CUdevice device, CudaCalls calls, Consumer<String> leaks) {
    this.ordinal = ordinal;
    this.device = device;
    this.calls = calls;
    shared = SharedDevice.of(ordinal);
    shared
        .loss()
        .ifPresent(
            why -> {
              throw new DeviceException(
                  "device " + ordinal + " is lost to this process: " + why, true);
            });
    releases = new Releases(shared, calls, "device " + ordinal);
    byte[] bytes = new byte[256];
    calls.check("cuDeviceGetName", cuDeviceGetName(bytes, bytes.length, device), "name a device");
    name = new String(bytes, StandardCharsets.US_ASCII).trim().replace("\0", "");
    architecture =
        new Architecture(
            attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
            attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
    multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    sharedBytesPerBlock =
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    architecture.requireSupported("device " + ordinal + " (" + name + ")");
    context = new CUcontext();
    calls.check(
        "cuDevicePrimaryCtxRetain",
        cuDevicePrimaryCtxRetain(context, device),
        "open device " + ordinal + " (" + name + ")");
    makeCurrent();
    firstUse = new DevicePointer();
    calls.check(
        "cuMemAlloc",
        cuMemAlloc(firstUse, FIRST_USE_BYTES),
        "allocate " + FIRST_USE_BYTES + " bytes on device " + ordinal + " (" + name + ")");
    service = newStream(0);
    heap = new DeviceHeap(this, service, leaks);
  }

  /**
   * Opens device {@code ordinal} of those this process sees, for the calling thread.
   *
   * @throws DeviceException if there is no NVIDIA driver, no such device, or the device is too old;
   *     the message says what was looked for
   */
  public static Device open(int ordinal) {
    return open(ordinal, LOG::warn);
  }

  /**
   * Does what {@link #open(int)} does.
   *
   * @param leaks takes what is told of memory that was not given back
   */
  static Device open(int ordinal, Consumer<String> leaks) {
    CudaCalls calls = new CudaCalls();
    int count = Cuda.devices(calls);
    if (ordinal < 0 || ordinal >= count) {
      throw new DeviceException(
          "there is no CUDA device "
              + ordinal
              + ": this process sees "
              + count
              + " (CUDA_VISIBLE_DEVICES may hide some)",
          false);
    }
    CUdevice device = new CUdevice();
    calls.check("cuDeviceGet", cuDeviceGet(device, ordinal), "find device " + ordinal);
    return new Device(ordinal, device, calls, leaks);
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    calls.check(
        "cuDeviceGetAttribute",
        cuDeviceGetAttribute(value, attribute, device),
        "ask for " + CUdevice_attribute.stringFor(attribute));
    return value[0];
  }

  /** Makes the calling thread use this device. */
  public void makeCurrent() {
    calls.check("cuCtxSetCurrent", cuCtxSetCurrent(context), "use device " + ordinal);
  }

  /** Number of this device in this process. */
  public int ordinal() {
    return ordinal;
  }

  /** Product name. */
  public String name() {
    return name;
  }

  /** Compute capability. */
  public Architecture architecture() {
    return architecture;
  }

  /** Streaming multiprocessors. */
  public int multiprocessors() {
    return multiprocessors;
  }

  /** Most shared memory a block may ask for. */
  public int sharedBytesPerBlock() {
    return sharedBytesPerBlock;
  }

  /** Memory on this device. */
  public DeviceHeap heap() {
    return heap;
  }

  CUdevice handle() {
    return device;
  }

  /** How what is held here is given back, and whether it can be. */
  public Releases releases() {
    return releases;
  }

  /** CUDA calls made through this object. */
  public CudaCalls calls() {
    return calls;
  }

  /** Free and total device memory in bytes, of all processes. */
  public Memory memory() {
    long[] free = new long[1];
    long[] total = new long[1];
    calls.check("cuMemGetInfo", cuMemGetInfo(free, total), "ask for free memory");
    return new Memory(free[0], total[0]);
  }

  /** Device memory in bytes. */
  public record Memory(long free, long total) {}

  /**
   * A new stream.
   *
   * @param priority lower numbers go first; 0 is the lowest, -5 about the highest
   */
  public Stream stream(int priority) {
    return new Stream(this, newStream(priority));
  }

  private DevicePointer.StreamHandle newStream(int priority) {
    DevicePointer.StreamHandle handle = new DevicePointer.StreamHandle();
    calls.check(
        "cuStreamCreateWithPriority",
        cuStreamCreateWithPriority(handle, CUstream_flags.CU_STREAM_NON_BLOCKING, priority),
        "create a stream");
    // Streams whose first work are kernels that wait for each other may start one after the other.
    calls.check(
        "cuMemsetD8Async",
        cuMemsetD8Async(firstUse, (byte) 0, FIRST_USE_BYTES, handle),
        "use a stream");
    calls.check("cuStreamSynchronize", cuStreamSynchronize(handle), "wait for a new stream");
    shared.add(handle, () -> isDone(handle));
    return handle;
  }

  /** Asked by other threads too, so these calls are not counted. */
  private boolean isDone(DevicePointer.StreamHandle stream) {
    int[] capturing = new int[1];
    if (cuStreamIsCapturing(stream, capturing) != 0 || capturing[0] != 0) {
      return false;
    }
    int result = cuStreamQuery(stream);
    shared.observe(result, () -> "cuStreamQuery failed, " + CudaError.nameOf(result));
    return result == 0;
  }

  /** Does what {@link #isDone} does, by a thread that has not used the device before. */
  boolean isLost(DevicePointer.StreamHandle stream) {
    int result = cuCtxSetCurrent(context);
    shared.observe(result, () -> "cuCtxSetCurrent failed, " + CudaError.nameOf(result));
    return CudaError.isSticky(result) || (!isDone(stream) && releases.isLost());
  }

  void destroy(DevicePointer.StreamHandle stream) {
    shared.remove(stream);
    releases.now("cuStreamDestroy", () -> cuStreamDestroy(stream), "destroy a stream");
  }

  /** A new event that orders work and takes no time. */
  public Event event() {
    return newEvent(CUevent_flags.CU_EVENT_DISABLE_TIMING);
  }

  /** A new event that takes the time. */
  public Event timingEvent() {
    return newEvent(CUevent_flags.CU_EVENT_DEFAULT);
  }

  private Event newEvent(int flags) {
    CUevent event = new CUevent();
    calls.check("cuEventCreate", cuEventCreate(event, flags), "create an event");
    return new Event(this, event);
  }

  /**
   * Runs {@code work}, which may allocate and reach other devices although this thread is capturing
   * a stream.
   */
  public <T> T relaxed(Supplier<T> work) {
    int[] mode = {CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED};
    exchange(mode);
    try {
      return work.get();
    } finally {
      exchange(mode);
    }
  }

  private void exchange(int[] mode) {
    calls.check(
        "cuThreadExchangeStreamCaptureMode",
        cuThreadExchangeStreamCaptureMode(mode),
        "change what a capturing thread may do");
  }

  /** A description for people. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s (device %d, compute capability %s, %.1f GiB)",
        name,
        ordinal,
        architecture,
        memory().total() / (double) (1 << 30));
  }

  /** Gives the device back; everything on it must be closed. */
  @Override
  public void close() {
    try {
      heap.close();
      destroy(service);
      heap.free(firstUse.address(), FIRST_USE_BYTES);
    } finally {
      releases.now(
          "cuDevicePrimaryCtxRelease",
          () -> cuDevicePrimaryCtxRelease(device),
          "release device " + ordinal);
    }
  }
}
