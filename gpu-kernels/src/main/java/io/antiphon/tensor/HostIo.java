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
}
