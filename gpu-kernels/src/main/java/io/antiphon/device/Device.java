package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuCtxEnablePeerAccess;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceCanAccessPeer;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDeviceGetAttribute;
import static jcuda.driver.JCudaDriver.cuDeviceGetName;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;
import static jcuda.driver.JCudaDriver.cuMemHostAlloc;
import static jcuda.driver.JCudaDriver.cuMemHostGetDevicePointer;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;
import static jcuda.driver.JCudaDriver.cuStreamCreateWithPriority;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamIsCapturing;
import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuThreadExchangeStreamCaptureMode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;

/**
 * One CUDA device as one rank uses it, through the device's primary context, which ranks of one
 * process share. Used by one thread at a time, after {@link #makeCurrent}.
 */
public final class Device implements AutoCloseable {
  private static final int HOST_MEMORY_MAPPED_AND_PORTABLE = 1 | 2;
  private static final int PEER_ACCESS_ALREADY_ENABLED = 704;
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
  private String memoryAdvice = "";
  private ByteBuffer copied = ByteBuffer.allocateDirect(Long.BYTES);

  private Device(int ordinal, CUdevice device, CudaCalls calls) {
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
  }

  /**
   * Opens device {@code ordinal} of those this process sees, for the calling thread.
   *
   * @throws DeviceException if there is no NVIDIA driver, no such device, or the device is too old;
   *     the message says what was looked for
   */
  public static Device open(int ordinal) {
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
    return new Device(ordinal, device, calls);
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

  /**
   * What the message of {@link OutOfDeviceMemory} ends with: what holds the memory, and what to
   * change.
   *
   * @param advice sentences without the last full stop
   */
  public void adviseOnMemory(String advice) {
    memoryAdvice = advice;
  }

  /** Device memory in bytes. */
  public record Memory(long free, long total) {}

  /**
   * Zeroed memory, 256-byte aligned.
   *
   * @param what for the message if there is no room
   * @throws OutOfDeviceMemory if there is no room
   */
  public DeviceMemory allocate(String what, long bytes) {
    long size = Math.max(bytes, 256);
    return relaxed(
        () -> {
          DevicePointer pointer = new DevicePointer();
          if (!calls.hadMemory(
              "cuMemAlloc", cuMemAlloc(pointer, size), "allocate " + size + " bytes for " + what)) {
            throw new OutOfDeviceMemory(what, size, memory(), memoryAdvice);
          }
          calls.check(
              "cuMemsetD8Async", cuMemsetD8Async(pointer, (byte) 0, size, service), "zero " + what);
          calls.check(
              "cuStreamSynchronize",
              cuStreamSynchronize(service),
              "wait for " + what + " to be zero");
          return new DeviceMemory(this, pointer.address(), size);
        });
  }

  void free(long address, long bytes) {
    releases.memory(
        "cuMemFree",
        () -> cuMemFree(new DevicePointer(address)),
        "free " + bytes + " bytes of memory");
  }

  /** Page-locked memory of the host. */
  public PinnedMemory pinned(long bytes) {
    return relaxed(
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

  /**
   * Copies bytes to a device address at once, whatever is enqueued, also while a step is captured.
   */
  public void write(long address, ByteBuffer bytes) {
    int length = bytes.remaining();
    ByteBuffer direct = ByteBuffer.allocateDirect(length).put(bytes.duplicate()).flip();
    relaxed(
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

  /** As {@link #write}, from a device address; little-endian. */
  public ByteBuffer read(long address, int length) {
    if (copied.capacity() < length) {
      copied = ByteBuffer.allocateDirect(length);
    }
    ByteBuffer direct = copied.duplicate().limit(length);
    return relaxed(
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

  /**
   * Lets kernels of this device use memory that this process has on device {@code peer}.
   *
   * @throws DeviceException if the devices cannot reach each other's memory
   */
  public void enablePeer(int peer) {
    CUdevice other = new CUdevice();
    calls.check("cuDeviceGet", cuDeviceGet(other, peer), "find device " + peer);
    int[] possible = new int[1];
    calls.check(
        "cuDeviceCanAccessPeer",
        cuDeviceCanAccessPeer(possible, device, other),
        "ask whether device " + ordinal + " reaches device " + peer);
    if (possible[0] == 0) {
      throw new DeviceException(
          "device "
              + ordinal
              + " cannot reach the memory of device "
              + peer
              + " (see nvidia-smi topo -p2p r); set backend.interconnect = nccl",
          false);
    }
    CUcontext theirs = new CUcontext();
    calls.check(
        "cuDevicePrimaryCtxRetain",
        cuDevicePrimaryCtxRetain(theirs, other),
        "open device " + peer + " as a peer");
    int result = cuCtxEnablePeerAccess(theirs, 0);
    calls.check("cuDevicePrimaryCtxRelease", cuDevicePrimaryCtxRelease(other), "release a peer");
    calls.check(
        "cuCtxEnablePeerAccess",
        result == PEER_ACCESS_ALREADY_ENABLED ? 0 : result,
        "let device " + ordinal + " use memory of device " + peer);
  }

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
    if (DeviceException.isSticky(result)) {
      shared.lose("cuStreamQuery failed, " + DeviceException.nameOf(result));
    }
    return result == 0;
  }

  /** As {@link #isDone}, by a thread that has not used the device before. */
  boolean isLost(DevicePointer.StreamHandle stream) {
    int result = cuCtxSetCurrent(context);
    return DeviceException.isSticky(result) || (!isDone(stream) && releases.isLost());
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

  /** For people. */
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
      destroy(service);
      free(firstUse.address(), FIRST_USE_BYTES);
    } finally {
      releases.now(
          "cuDevicePrimaryCtxRelease",
          () -> cuDevicePrimaryCtxRelease(device),
          "release device " + ordinal);
    }
  }
}
