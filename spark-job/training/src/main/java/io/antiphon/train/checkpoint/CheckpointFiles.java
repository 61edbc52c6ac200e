package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalLong;

/**
 * The storage below checkpoints: the few file operations they need, on paths relative to one root.
 *
 * <p>A path is a list of names joined by {@code /}, without empty names, {@code .} or {@code ..};
 * the empty path is the root. Implementations are safe for use by several threads, and report
 * failures as {@link IOException}: the caller knows which step and rank they concern.
 */
public interface CheckpointFiles {
  /** The full address of {@code path}, for messages. */
  String location(String path);

  /** The names directly below a directory, sorted; none if the directory does not exist. */
  List<String> list(String directory) throws IOException;

  /** Whether there is a file or directory at {@code path}. */
  boolean exists(String path) throws IOException;

  /** The length of a file in bytes. */
  long size(String path) throws IOException;

  /** Creates a directory and those above it; an existing one is left as it is. */
  void createDirectories(String directory) throws IOException;

  /** Opens a new file for writing, in place of one that is there; its directory exists. */
  Sink create(String path) throws IOException;

  /** Opens a file for reading at any position. */
  Source open(String path) throws IOException;

  /**
   * Gives a file or directory another name.
   *
   * @throws IOException if {@code to} exists, or the storage refuses; nothing was moved then
   */
  void rename(String from, String to) throws IOException;

  /** Deletes a file, or a directory and all below it; a path that does not exist is no error. */
  void delete(String path) throws IOException;

  /**
   * Whether a reader sees a renamed directory either under its old name or, complete, under its new
   * one. False for object stores, where a rename copies file by file.
   */
  boolean renamesAtomically();

  /**
   * Bytes that can be written, as far as the storage can tell; a quota may allow less. Empty where
   * it cannot.
   */
  default OptionalLong freeBytes() throws IOException {
    return OptionalLong.empty();
  }

  /** Checks the form of a relative path and returns it. */
  static String requireRelative(String path) {
    if (path.isEmpty()) {
      return path;
    }
    for (String name : path.split("/", -1)) {
      if (name.isEmpty() || name.equals(".") || name.equals("..") || hasForbidden(name)) {
        throw new IllegalArgumentException(
            "not a relative path of plain names: " + Printable.of(path));
      }
    }
    return path;
  }

  private static boolean hasForbidden(String name) {
    return name.chars().anyMatch(c -> c == '\\' || c == ':' || c < ' ');
  }

  /** A file being written, front to back; it counts only after {@link #complete()}. */
  interface Sink extends Closeable {
    /** Appends all remaining bytes of {@code bytes}. */
    void write(ByteBuffer bytes) throws IOException;

    /** Ends the file: when this returns, it is durable and visible under its name. */
    void complete() throws IOException;

    /** Releases the file; one that is not complete is discarded as far as the storage allows. */
    @Override
    void close() throws IOException;
  }

  /** A file being read; for one thread. */
  interface Source extends Closeable {
    /**
     * Reads up to {@code target.remaining()} bytes from {@code position} on.
     *
     * @return the number of bytes read, at least 1 if any were asked for; -1 at the end of the file
     */
    int read(long position, ByteBuffer target) throws IOException;
  }
}
