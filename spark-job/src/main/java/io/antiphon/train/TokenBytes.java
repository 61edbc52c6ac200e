package io.antiphon.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Token ids in the byte order of device buffers. */
final class TokenBytes {
  private TokenBytes() {}

  static ByteBuffer of(int[] tokens) {
    ByteBuffer bytes =
        ByteBuffer.allocate(tokens.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(tokens);
    return bytes;
  }
}
