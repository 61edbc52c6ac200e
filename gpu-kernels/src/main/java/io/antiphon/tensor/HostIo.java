package io.antiphon.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The one way between host memory and a backend's tensors. Used by the training loop, checkpoints
 * and tests; the model never sees it. Bytes are in the tensor's own type, little-endian.
 */
public interface HostIo {
  /**
   * Copies elements into {@code into} after all work enqueued so far has finished.
   *
   * @param from read
   * @param firstElement first element to copy
   * @param into filled from its position to its limit, which must be whole elements inside {@code
   *     from}
   */
  void read(Tensor from, long firstElement, ByteBuffer into);

  /**
   * Copies {@code bytes}, from position to limit, to {@code to}; ordered after all work enqueued so
   * far and before all work enqueued later. The buffer is free again when the call returns.
   *
   * @param to written
   * @param firstElement first element to write
   */
  void write(Tensor to, long firstElement, ByteBuffer bytes);

  /**
   * Overwrites an I32 tensor with {@code parts}, one after the other, ordered as {@link #write}
   * orders. The arrays are free again when the call returns.
   *
   * @param to written
   * @param parts together as many values as the tensor has elements
   */
  default void writeAll(Tensor to, int[]... parts) {
    requireFilled(to, parts);
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(to.elements() * Integer.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int[] part : parts) {
      for (int value : part) {
        bytes.putInt(value);
      }
    }
    write(to, 0, bytes.flip());
  }

  /**
   * Copies elements of a host-visible tensor as they are now, without waiting for anything.
   *
   * @param from read; of memory that {@link Backend#allocateHostVisible} gave
   * @param firstElement first element to copy
   * @param into as for {@link #read}
   */
  void peek(Tensor from, long firstElement, ByteBuffer into);

  /** Fails unless {@code bytes} are little-endian whole elements of {@code tensor}. */
  static void requireInside(Tensor tensor, long firstElement, ByteBuffer bytes) {
    int size = tensor.dtype().bytes();
    if (bytes.order() != ByteOrder.LITTLE_ENDIAN
        || bytes.remaining() % size != 0
        || firstElement < 0
        || firstElement + bytes.remaining() / size > tensor.elements()) {
      throw new IllegalArgumentException(
          bytes
              + " ("
              + bytes.order()
              + ") at element "
              + firstElement
              + " does not fit "
              + tensor);
    }
  }

  /** Fails unless {@code parts} have as many values as {@code tensor}, of I32, has elements. */
  static void requireFilled(Tensor tensor, int[]... parts) {
    long values = 0;
    for (int[] part : parts) {
      values += part.length;
    }
    if (tensor.dtype() != DType.I32 || values != tensor.elements()) {
      throw new IllegalArgumentException(values + " integers do not fill " + tensor);
    }
  }
}
