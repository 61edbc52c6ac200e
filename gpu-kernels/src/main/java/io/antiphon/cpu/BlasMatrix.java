package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import org.bytedeco.javacpp.FloatPointer;

/**
 * A row-major matrix in native memory as the BLAS library takes it. It is made when an operation is
 * enqueued; its first element can be moved during a replay without allocation.
 */
final class BlasMatrix {
  private final FloatPointer pointer;
  private final long start;
  private final int stride;

  private BlasMatrix(FloatPointer pointer, int stride) {
    this.pointer = pointer;
    this.start = pointer.position();
    this.stride = Math.max(1, stride); // the library refuses 0, even for an empty matrix
  }

  /** The memory of an fp32 tensor with {@code stride} elements from one row to the next. */
  static BlasMatrix of(Tensor tensor, int stride) {
    return new BlasMatrix(CpuMemory.pointer(tensor, 0), stride);
  }

  /** An fp32 tensor with two extents. */
  static BlasMatrix of(Tensor tensor) {
    return of(tensor, tensor.extent(1));
  }

  /** Scratch memory with {@code stride} elements from one row to the next. */
  static BlasMatrix of(CpuStorage.Floats storage, int stride) {
    return new BlasMatrix(new FloatPointer(storage.pointer()), stride);
  }

  /** This matrix, moved so that it begins at {@code element} of the memory it was made of. */
  BlasMatrix at(long element) {
    pointer.position(start + element);
    return this;
  }

  FloatPointer pointer() {
    return pointer;
  }

  int stride() {
    return stride;
  }
}
