package io.antiphon.train.checkpoint;

import java.nio.ByteBuffer;

/** Takes the bytes of a tensor that is being read, chunk by chunk, front to back. */
@FunctionalInterface
public interface ByteSink {
  /**
   * Takes the bytes of {@code chunk} from its position to its limit.
   *
   * <p>The chunk is off-heap, little-endian in its byte order already, and holds whole elements. It
   * must not be kept.
   *
   * @param byteOffset where the chunk begins in the tensor, in bytes
   * @param chunk read-only
   */
  void accept(long byteOffset, ByteBuffer chunk);
}
