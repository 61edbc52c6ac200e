package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import io.antiphon.train.checkpoint.SafetensorsHeader.Located;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Reads one safetensors file, which may be damaged or hostile; for one thread.
 *
 * <p>Opening checks the whole header against the format, the file's length and this package's
 * limits. After that no request can leave the file, and none allocates more than one chunk.
 */
public final class SafetensorsReader implements Closeable {
  private final String file;
  private final CheckpointFiles.Source source;
  private final SafetensorsHeader header;
  private final Map<String, Located> tensors = new HashMap<>();
  private final Chunk chunk;

  private SafetensorsReader(
      String file, CheckpointFiles.Source source, SafetensorsHeader header, Chunk chunk) {
    this.chunk = chunk;
    this.file = file;
    this.source = source;
    this.header = header;
    for (Located tensor : header.tensors()) {
      tensors.put(tensor.spec().name(), tensor);
    }
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws CheckpointException if the file cannot be read, or breaks the format or a limit
   */
  public static SafetensorsReader open(CheckpointFiles files, String path) {
    return open(files, path, new Chunk());
  }

  /** Opens a file that shares {@code chunk} with others of the same thread. */
  static SafetensorsReader open(CheckpointFiles files, String path, Chunk chunk) {
    String file = files.location(path);
    CheckpointFiles.Source source;
    long bytes;
    try {
      bytes = files.size(path);
      source = files.open(path);
    } catch (IOException e) {
      throw new CheckpointException(file + ": cannot be opened: " + e, e);
    }
    try {
      return new SafetensorsReader(
          file, source, SafetensorsHeaderParser.parse(source, bytes, file), chunk);
    } catch (CheckpointException e) {
      closeAfter(e, source);
      throw e;
    }
  }

  private static void closeAfter(CheckpointException failure, Closeable source) {
    try {
      source.close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** The free text of the header. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** All tensors, in file order. */
  public List<TensorSpec> tensors() {
    return header.tensors().stream().map(Located::spec).toList();
  }

  /** The tensor of this name, if the file has it. */
  public Optional<TensorSpec> tensor(String name) {
    return Optional.ofNullable(tensors.get(name)).map(Located::spec);
  }

  /**
   * Fills {@code target} from its position to its limit with a tensor's bytes.
   *
   * @param byteOffset where to begin in the tensor
   * @throws CheckpointException if the file has no such tensor or cannot be read
   * @throws IndexOutOfBoundsException if the tensor ends before the target does
   */
  public void read(String name, long byteOffset, ByteBuffer target) {
    Located tensor = located(name);
    Objects.checkFromIndexSize(byteOffset, (long) target.remaining(), tensor.spec().bytes());
    readFully(header.dataBegin() + tensor.begin() + byteOffset, target);
  }

  /**
   * Streams all of a tensor to {@code sink}.
   *
   * @return CRC-32C of its bytes, in {@code [0, 2^32)}
   * @throws CheckpointException if the file has no such tensor or cannot be read
   */
  public long read(String name, ByteSink sink) {
    Located tensor = located(name);
    CRC32C checksum = new CRC32C();
    stream(
        header.dataBegin() + tensor.begin(),
        tensor.spec().bytes(),
        (offset, bytes) -> {
          checksum.update(bytes.duplicate());
          sink.accept(offset, bytes);
        });
    return checksum.getValue();
  }

  /** Streams the head of the file, which comes before the first tensor. */
  void readHead(ByteSink sink) {
    stream(0, header.dataBegin(), sink);
  }

  @Override
  public void close() {
    try {
      source.close();
    } catch (IOException e) {
      throw new CheckpointException(file + ": cannot be closed: " + e, e);
    }
  }

  private Located located(String name) {
    Located tensor = tensors.get(name);
    if (tensor == null) {
      throw new CheckpointException(file + ": has no tensor " + Printable.of(name));
    }
    return tensor;
  }

  private void stream(long begin, long bytes, ByteSink sink) {
    for (long offset = 0; offset < bytes; offset += Chunk.BYTES) {
      ByteBuffer view = chunk.view((int) Math.min(Chunk.BYTES, bytes - offset));
      readFully(begin + offset, view.duplicate());
      sink.accept(offset, view.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN));
    }
  }

  private void readFully(long position, ByteBuffer target) {
    try {
      while (target.hasRemaining()) {
        int count = source.read(position, target);
        if (count < 1) {
          throw new EOFException("the file ends at byte " + position);
        }
        position += count;
      }
    } catch (IOException e) {
      throw new CheckpointException(file + ": reading failed at byte " + position + ": " + e, e);
    }
  }
}
