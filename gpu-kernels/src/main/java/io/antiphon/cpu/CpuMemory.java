package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;

/** How CPU kernels reach the memory behind a tensor. */
final class CpuMemory {
  private CpuMemory() {}

  /** The array behind an F64 tensor; the view starts at {@link #offset}. */
  static double[] doubles(Tensor tensor) {
    return ((CpuStorage.Doubles) tensor.storage()).values();
  }

  /**
   * The native memory behind an F32 tensor as a buffer of the whole storage; index from {@link
   * #offset}.
   */
  static FloatBuffer floats(Tensor tensor) {
    return ((CpuStorage.Floats) tensor.storage()).buffer();
  }

  /** A pointer to element {@code element} of an F32 view, for the BLAS library. */
  static FloatPointer pointer(Tensor tensor, long element) {
    FloatPointer base = ((CpuStorage.Floats) tensor.storage()).pointer();
    return new FloatPointer(base).position(tensor.offset() + element);
  }

  /** The array behind an I32 tensor; the view starts at {@link #offset}. */
  static int[] ints(Tensor tensor) {
    return ((CpuStorage.Ints) tensor.storage()).values();
  }

  /** The array behind an I64 tensor; the view starts at {@link #offset}. */
  static long[] longs(Tensor tensor) {
    return ((CpuStorage.Longs) tensor.storage()).values();
  }

  /** First element of the view inside its storage; CPU storages have fewer than 2^31 elements. */
  static int offset(Tensor tensor) {
    return (int) tensor.offset();
  }
}
