package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleUnload;

import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUmodule;

/** Compiles and loads kernels for one device; what was compiled once is found on disk. */
public final class Kernels implements AutoCloseable {
  private final Device device;
  private final CubinCache cache;
  private final List<KernelModule> modules = new ArrayList<>();

  /** Kernels of {@code device}, compiled into {@code cache}. */
  public Kernels(Device device, CubinCache cache) {
    this.device = device;
    this.cache = cache;
  }

  /** The device. */
  public Device device() {
    return device;
  }

  /**
   * Compiles, or finds, and loads a file of kernels. Not while a stream is captured.
   *
   * @throws DeviceException if the compiler refuses it; the message holds its log
   */
  public KernelModule load(KernelSource source) {
    Cubin cubin = cache.get(source, device.architecture());
    CUmodule module = new CUmodule();
    device
        .calls()
        .check(
            "cuModuleLoadData",
            cuModuleLoadData(module, cubin.code()),
            "load " + source.file() + " for " + device.architecture().target());
    KernelModule loaded = new KernelModule(device, source, module, cubin.loweredNames());
    modules.add(loaded);
    return loaded;
  }

  @Override
  public void close() {
    for (KernelModule module : modules) {
      device
          .releases()
          .now("cuModuleUnload", () -> cuModuleUnload(module.handle()), "unload kernels");
    }
    modules.clear();
  }
}
