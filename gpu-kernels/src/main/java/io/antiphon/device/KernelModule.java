package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuFuncGetAttribute;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;

import java.util.HashMap;
import java.util.Map;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;

/** The kernels of one compiled file. */
public final class KernelModule {
  private static final int SHARED_BYTES_WITHOUT_ASKING = 48 * 1024;

  private final Device device;
  private final KernelSource source;
  private final CUmodule module;
  private final Map<String, String> loweredNames;
  private final Map<String, Kernel> kernels = new HashMap<>();
  private final Map<String, Integer> sharedLimits = new HashMap<>();

  KernelModule(
      Device device, KernelSource source, CUmodule module, Map<String, String> loweredNames) {
    this.device = device;
    this.source = source;
    this.module = module;
    this.loweredNames = Map.copyOf(loweredNames);
    source.names().forEach(this::kernel);
  }

  CUmodule handle() {
    return module;
  }

  /** The kernel of this name expression, one of the source's. */
  public Kernel kernel(String nameExpression) {
    return kernel(nameExpression, 0);
  }

  /**
   * The kernel of this name expression, launched with dynamic shared memory.
   *
   * @throws IllegalArgumentException if a block of this device cannot have so much
   */
  public Kernel kernel(String nameExpression, int dynamicSharedBytes) {
    String lowered = loweredNames.get(nameExpression);
    if (lowered == null) {
      throw new IllegalArgumentException(
          nameExpression + " is none of the kernels of " + source.file() + ": " + source.names());
    }
    if (dynamicSharedBytes > device.sharedBytesPerBlock()) {
      throw new IllegalArgumentException(
          nameExpression
              + " needs "
              + dynamicSharedBytes
              + " bytes of shared memory, a block of "
              + device.name()
              + " has "
              + device.sharedBytesPerBlock());
    }
    return kernels.computeIfAbsent(
        nameExpression + " with " + dynamicSharedBytes,
        key -> resolve(nameExpression, lowered, dynamicSharedBytes));
  }

  private Kernel resolve(String nameExpression, String lowered, int dynamicSharedBytes) {
    CUfunction function = new CUfunction();
    CudaCalls calls = device.calls();
    calls.check(
        "cuModuleGetFunction",
        cuModuleGetFunction(function, module, lowered),
        "find " + nameExpression + " (" + lowered + ") in " + source.file());
    // Asking for an attribute loads the code now: its first launch may be inside a capture, or find
    // kernels of other ranks that wait for this one.
    int[] registers = new int[1];
    calls.check(
        "cuFuncGetAttribute",
        cuFuncGetAttribute(registers, CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS, function),
        "load " + nameExpression);
    // A limit of the function, which all sizes share: only ever raised.
    if (dynamicSharedBytes > sharedLimits.getOrDefault(lowered, SHARED_BYTES_WITHOUT_ASKING)) {
      calls.check(
          "cuFuncSetAttribute",
          cuFuncSetAttribute(
              function,
              CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
              dynamicSharedBytes),
          "give " + nameExpression + " " + dynamicSharedBytes + " bytes of shared memory");
      sharedLimits.put(lowered, dynamicSharedBytes);
    }
    return new Kernel(device, nameExpression, function, dynamicSharedBytes);
  }
}
