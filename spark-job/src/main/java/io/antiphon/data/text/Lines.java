package io.antiphon.data.text;

import io.antiphon.data.DataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The lines of a file as bytes, with their offsets. A line ends with a line feed, or a carriage
 * return and a line feed, or with the file.
 */
final class Lines implements AutoCloseable {
  /** Longest text this package handles as one: the JVM's strings and arrays end at 2 GiB. */
  static final int MAX_BYTES = 512 << 20;

  private static final int BUFFER_BYTES = 64 << 10;
  private static final byte MARK_1 = (byte) 0xEF;
  private static final byte MARK_2 = (byte) 0xBB;
  private static final byte MARK_3 = (byte) 0xBF;

  private final String path;
  private final InputStream in;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int position;
  private int limit;
  private byte[] line = new byte[256];
  private int length;
  private long offset;
  private long nextOffset;

  /** Takes over {@code in}, which stands at byte {@code offset} of the file. */
  Lines(String path, InputStream in, long offset) {
    this.path = path;
    this.in = in;
    this.nextOffset = offset;
  }

  /** Moves to the next line; false at the end of the file. */
  boolean next() throws IOException {
    return scan(true);
  }

  /** Passes over a line without keeping it. */
  void skip() throws IOException {
    scan(false);
  }

  /** Offset of the current line in the file. */
  long offset() {
    return offset;
  }

  /** Content of the current line, without its end; valid until the next one. */
  byte[] bytes() {
    return line;
  }

  /** Bytes of {@link #bytes()} that are the line. */
  int length() {
    return length;
  }

  /** The current line; malformed UTF-8 becomes the replacement character. */
  String text() {
    return new String(line, 0, length, StandardCharsets.UTF_8);
  }

  /** Whether the current line has nothing but ASCII white space. */
  boolean isBlank() {
    for (int i = 0; i < length; i++) {
      if (line[i] > ' ' || line[i] < 0) {
        return false;
      }
    }
    return true;
  }

  String path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  private boolean scan(boolean keep) throws IOException {
    offset = nextOffset;
    length = 0;
    boolean any = false;
    while (position < limit || fill()) {
      any = true;
      int end = position;
      while (end < limit && buffer[end] != '\n') {
        end++;
      }
      if (keep) {
        append(end - position);
      }
      boolean complete = end < limit;
      nextOffset += end - position + (complete ? 1 : 0);
      position = complete ? end + 1 : end;
      if (complete) {
        trim();
        return true;
      }
    }
    trim();
    return any;
  }

  /** Drops a carriage return at the end, and the byte order mark some editors begin a file with. */
  private void trim() {
    if (length > 0 && line[length - 1] == '\r') {
      length--;
    }
    if (offset == 0 && length >= 3 && line[0] == MARK_1 && line[1] == MARK_2 && line[2] == MARK_3) {
      System.arraycopy(line, 3, line, 0, length - 3);
      length -= 3;
    }
  }

  private void append(int bytes) {
    if (length + (long) bytes > MAX_BYTES) {
      throw new DataException(
          path + " has a line of more than " + (MAX_BYTES >> 20) + " MiB; break it into lines");
    }
    if (length + bytes > line.length) {
      line = Arrays.copyOf(line, (int) Math.min(MAX_BYTES, Math.max(length + bytes, 2L * length)));
    }
    System.arraycopy(buffer, position, line, length, bytes);
    length += bytes;
  }

  private boolean fill() throws IOException {
    position = 0;
    limit = Math.max(0, in.read(buffer));
    return limit > 0;
  }
}
