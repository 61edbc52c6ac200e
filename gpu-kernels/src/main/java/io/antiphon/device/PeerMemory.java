package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuCtxEnablePeerAccess;
import static jcuda.driver.JCudaDriver.cuDeviceCanAccessPeer;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuMemGetAddressRange;
import static org.bytedeco.cuda.global.cudart.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS;
import static org.bytedeco.cuda.global.cudart.cuIpcCloseMemHandle;
import static org.bytedeco.cuda.global.cudart.cuIpcGetMemHandle;
import static org.bytedeco.cuda.global.cudart.cuIpcOpenMemHandle;

import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import org.bytedeco.cuda.cudart.CUipcMemHandle_v1;

/** Device memory of others: of another process of this host, mapped into this one, or of a peer. */
public final class PeerMemory implements AutoCloseable {
  /** Length of a handle. */
  public static final int HANDLE_BYTES = 64;

  private final Device device;
  private final long address;
  private boolean closed;

  private PeerMemory(Device device, long address) {
    this.device = device;
    this.address = address;
  }

  /**
   * What another process needs to map an allocation of this one.
   *
   * @param handle opaque; ownership passes
   * @param base address in this process of what the handle maps; allocations may share a block
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Handle(byte[] handle, long base) {}

  /** The handle of the allocation that {@code address} lies in. */
  public static Handle export(Device device, long address) {
    return device.relaxed(
        () -> {
          DevicePointer base = new DevicePointer();
          device
              .calls()
              .check(
                  "cuMemGetAddressRange",
                  cuMemGetAddressRange(base, new long[1], new DevicePointer(address)),
                  "find the allocation of an address");
          try (CUipcMemHandle_v1 handle = new CUipcMemHandle_v1()) {
            device
                .calls()
                .check(
                    "cuIpcGetMemHandle",
                    cuIpcGetMemHandle(handle, base.address()),
                    "share device memory with other processes");
            byte[] bytes = new byte[HANDLE_BYTES];
            for (int i = 0; i < HANDLE_BYTES; i++) {
              bytes[i] = handle.reserved(i);
            }
            return new Handle(bytes, base.address());
          }
        });
  }

  /** Maps memory of another process; not possible in the process that made the handle. */
  public static PeerMemory open(Device device, byte[] handle) {
    return device.relaxed(
        () -> {
          long[] address = new long[1];
          try (CUipcMemHandle_v1 opened = new CUipcMemHandle_v1()) {
            for (int i = 0; i < HANDLE_BYTES; i++) {
              opened.reserved(i, handle[i]);
            }
            device
                .calls()
                .check(
                    "cuIpcOpenMemHandle",
                    openAlone(address, opened),
                    "map device memory of another process (both must see the device, and"
                        + " containers must share /dev/shm and the IPC namespace)");
          }
          return new PeerMemory(device, address[0]);
        });
  }

  /**
   * CUDA counts how often a process has opened a handle, but fails with ALREADY_MAPPED where two
   * threads open the same one at once.
   */
  private static synchronized int openAlone(long[] address, CUipcMemHandle_v1 handle) {
    return cuIpcOpenMemHandle(address, handle, CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS);
  }

  private static synchronized int closeAlone(long address) {
    return cuIpcCloseMemHandle(address);
  }

  /**
   * Lets kernels of {@code device} use memory that this process has on device {@code peer}.
   *
   * @throws DeviceException if the devices cannot reach each other's memory
   */
  public static void reach(Device device, int peer) {
    CudaCalls calls = device.calls();
    int ordinal = device.ordinal();
    CUdevice other = new CUdevice();
    calls.check("cuDeviceGet", cuDeviceGet(other, peer), "find device " + peer);
    int[] possible = new int[1];
    calls.check(
        "cuDeviceCanAccessPeer",
        cuDeviceCanAccessPeer(possible, device.handle(), other),
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
        result == CudaError.PEER_ACCESS_ALREADY_ENABLED ? 0 : result,
        "let device " + ordinal + " use memory of device " + peer);
  }

  /** Where this process sees the first byte. */
  public long address() {
    return address;
  }

  /** Unmaps the memory; no enqueued work may use it. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      device.relaxed(
          () -> {
            device
                .releases()
                .memory(
                    "cuIpcCloseMemHandle",
                    () -> closeAlone(address),
                    "unmap device memory of another process");
            return true;
          });
    }
  }
}
