package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuLaunchKernel;

import jcuda.driver.CUfunction;

/** A loaded kernel. */
public final class Kernel {
  private final Device device;
  private final String name;
  private final CUfunction function;
  private final int dynamicSharedBytes;

  Kernel(Device device, String name, CUfunction function, int dynamicSharedBytes) {
    this.device = device;
    this.name = name;
    this.function = function;
    this.dynamicSharedBytes = dynamicSharedBytes;
  }

  /** Enqueues the kernel; the arguments are copied. */
  public void launch(Stream stream, Grid grid, Arguments arguments) {
    stream.use();
    int result =
        cuLaunchKernel(
            function,
            grid.x(),
            grid.y(),
            grid.z(),
            grid.threads(),
            1,
            1,
            dynamicSharedBytes,
            stream.handle(),
            arguments.pointers(),
            null);
    device.calls().check("cuLaunchKernel", result, "launch " + name + " with " + grid);
  }

  @Override
  public String toString() {
    return name;
  }
}
