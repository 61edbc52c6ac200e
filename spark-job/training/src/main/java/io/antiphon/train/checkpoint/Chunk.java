package io.antiphon.train.checkpoint;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The one off-heap buffer through which a thread moves tensors; allocated when first needed. */
final class Chunk {
  /** A multiple of every element size, so that no element straddles two chunks. */
  static final int BYTES = 1 << 20;

  private @Nullable ByteBuffer buffer;

  /** The first {@code bytes} of the buffer, as a view of their own. */
  ByteBuffer view(int bytes) {
    if (buffer == null) {
      buffer = ByteBuffer.allocateDirect(BYTES);
    }
    return buffer.slice(0, bytes);
  }
}
