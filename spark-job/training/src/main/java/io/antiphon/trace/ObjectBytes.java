package io.antiphon.trace;

import java.io.IOException;
import java.io.InputStream;

/**
 * Bytes of an input that fails when one object of it never ends, whatever the object consists of.
 */
final class ObjectBytes extends InputStream {
  /** Most bytes of one object; the largest matrix needs fewer. */
  static final long MAX_OBJECT_BYTES = 64L << 20;

  private final InputStream source;
  private long bytesOfObject;

  ObjectBytes(InputStream source) {
    this.source = source;
  }

  /** Counts from here on again. Read-ahead of the object's first bytes is not counted. */
  void startObject() {
    bytesOfObject = 0;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int count = source.read(into, offset, length);
    bytesOfObject += Math.max(count, 0);
    if (bytesOfObject > MAX_OBJECT_BYTES) {
      throw new TraceException(
          "more than "
              + MAX_OBJECT_BYTES
              + " bytes without the end of an object. Write one object per matrix, without other"
              + " data.");
    }
    return count;
  }

  /** Closes the source, but leaves standard input to the process. */
  @Override
  public void close() throws IOException {
    if (source != System.in) {
      source.close();
    }
  }
}
