package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.nio.FloatBuffer;

/**
 * The native memory of an fp32 tensor, resolved when an operation is enqueued. Kernels copy blocks
 * of it to Java arrays and back: the compiler vectorises loops over arrays, not over buffers.
 */
final class F32View {
  private final FloatBuffer buffer;
  private final int offset;
  private final int length;

  private F32View(FloatBuffer buffer, int offset, int length) {
    this.buffer = buffer;
    this.offset = offset;
    this.length = length;
  }

  static F32View of(Tensor tensor) {
    return new F32View(
        CpuMemory.floats(tensor), CpuMemory.offset(tensor), Math.toIntExact(tensor.elements()));
  }

  static F32View of(CpuStorage.Floats storage) {
    return new F32View(storage.buffer(), 0, storage.buffer().limit());
  }

  /** Elements of the tensor. */
  int length() {
    return length;
  }

  /** Copies {@code count} elements from element {@code from} to the start of {@code into}. */
  void read(int from, float[] into, int count) {
    buffer.get(offset + from, into, 0, count);
  }

  /** Copies the first {@code count} elements of {@code from} to element {@code to}. */
  void write(int to, float[] from, int count) {
    buffer.put(offset + to, from, 0, count);
  }

  /**
   * Copies {@code count} elements from element {@code from} to element {@code at} of {@code to}.
   */
  void copy(int from, F32View to, int at, int count) {
    to.buffer.put(to.offset + at, buffer, offset + from, count);
  }
}
