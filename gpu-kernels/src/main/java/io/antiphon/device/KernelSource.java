package io.antiphon.device;

import java.util.List;

/**
 * One file of device code and the kernels instantiated from it.
 *
 * @param file name of a resource of the package {@code io.antiphon.kernel}
 * @param names name expressions, as in C++: {@code rms_norm<bf16>}
 * @param target devices whose instructions it uses
 */
public record KernelSource(String file, List<String> names, Target target) {
  /** Devices a file is for. */
  public enum Target {
    /** Compute capability 8.0 and later. */
    PORTABLE,
    /** Compute capability 9.0 only: WGMMA and the tensor memory accelerator. */
    HOPPER
  }

  /** Copies the names. */
  public KernelSource {
    names = List.copyOf(names);
  }
}
