package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Messages made of tensors' elements. */
final class TensorBytes {
  private TensorBytes() {}

  /** An empty little-endian message. */
  static ByteBuffer empty(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The elements of a tensor as a message. */
  static ByteBuffer of(Tensor tensor) {
    ByteBuffer message = empty(tensor.elements() * tensor.dtype().bytes());
    ((CpuStorage) tensor.storage()).read(tensor.offset(), message);
    return message.flip();
  }

  /** Overwrites a tensor with a message, which must be as long as it. */
  static void write(ByteBuffer message, Tensor tensor) {
    if (message.remaining() != tensor.elements() * tensor.dtype().bytes()) {
      throw new IllegalStateException(
          "a message of " + message.remaining() + " bytes came for " + tensor);
    }
    ((CpuStorage) tensor.storage()).write(tensor.offset(), message);
  }
}
