package io.antiphon.train.checkpoint;

import java.nio.ByteBuffer;

/** Supplies the bytes of a tensor that is being written, chunk by chunk, front to back. */
@FunctionalInterface
public interface ByteSource {
  /**
   * Fills {@code chunk} from its position to its limit.
   *
   * <p>The chunk is off-heap, little-endian in its byte order already, and holds whole elements. On
   * return its position must equal its limit; it must not be kept.
   *
   * @param byteOffset where the chunk begins in the tensor, in bytes
   * @param chunk written
   */
  void fill(long byteOffset, ByteBuffer chunk);
}
