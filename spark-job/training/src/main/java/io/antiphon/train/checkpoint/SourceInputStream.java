package io.antiphon.train.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** A range of a file as a stream. */
final class SourceInputStream extends InputStream {
  private final CheckpointFiles.Source source;
  private final long end;
  private long position;

  /** Streams the bytes in {@code [begin, end)}; does not close {@code source}. */
  SourceInputStream(CheckpointFiles.Source source, long begin, long end) {
    this.source = source;
    this.position = begin;
    this.end = end;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (length == 0) {
      return 0;
    }
    if (position == end) {
      return -1;
    }
    int wanted = (int) Math.min(length, end - position);
    int count = source.read(position, ByteBuffer.wrap(bytes, offset, wanted));
    if (count < 1) {
      throw new EOFException("the file ends at byte " + position + ", expected " + end);
    }
    position += count;
    return count;
  }
}
