package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Writes one safetensors file, front to back, through one off-heap chunk.
 *
 * <p>Tensors are laid out by falling element size, then by name, so that every one is aligned and
 * equal tensors give equal files.
 */
public final class SafetensorsWriter {
  private static final Comparator<TensorEntry> LAYOUT =
      Comparator.comparingInt((TensorEntry entry) -> -entry.spec().dtype().bytes())
          .thenComparing(entry -> entry.spec().name());

  private final CheckpointFiles.Sink sink;
  private final CRC32C fileChecksum = new CRC32C();
  private final Chunk chunk = new Chunk();
  private long written;

  private SafetensorsWriter(CheckpointFiles.Sink sink) {
    this.sink = sink;
  }

  /**
   * A file that was written.
   *
   * @param bytes its length
   * @param crc32c CRC-32C of the whole file, in {@code [0, 2^32)}
   * @param tensors in file order, with their own checksums
   */
  public record Written(long bytes, long crc32c, List<StoredTensor> tensors) {
    /** Copies the list. */
    public Written {
      tensors = List.copyOf(tensors);
    }
  }

  /**
   * Writes {@code entries} to a file in an existing directory; when this returns the file is
   * durable.
   *
   * @param metadata free text for the header
   * @throws CheckpointException if the storage fails or the header would be too long; no file
   *     remains, as far as the storage allows
   * @throws IllegalArgumentException if two entries have one name, or there are too many entries or
   *     too much metadata
   * @throws IllegalStateException if a source does not fill its chunk
   */
  public static Written write(
      CheckpointFiles files, String path, List<TensorEntry> entries, Map<String, String> metadata) {
    List<TensorEntry> ordered = new ArrayList<>(entries);
    ordered.sort(LAYOUT);
    requireDistinctNames(ordered);
    requireShort(metadata);
    byte[] header =
        SafetensorsHeader.encode(
            ordered.stream().map(TensorEntry::spec).toList(), metadata, files.location(path));
    try (CheckpointFiles.Sink sink = files.create(path)) {
      Written written = new SafetensorsWriter(sink).write(header, ordered);
      sink.complete();
      return written;
    } catch (IOException e) {
      throw new CheckpointException(
          files.location(path)
              + ": writing failed, see free space and permissions of checkpoint.dir: "
              + e,
          e);
    }
  }

  private static void requireDistinctNames(List<TensorEntry> entries) {
    if (entries.size() > Limits.SHARD_TENSORS) {
      throw new IllegalArgumentException(
          entries.size() + " tensors exceed the limit of a file, " + Limits.SHARD_TENSORS);
    }
    Set<String> names = new HashSet<>();
    for (TensorEntry entry : entries) {
      if (!names.add(entry.spec().name())) {
        throw new IllegalArgumentException(
            "tensor " + Printable.of(entry.spec().name()) + " occurs twice");
      }
    }
  }

  private static void requireShort(Map<String, String> metadata) {
    long chars = 0;
    for (Map.Entry<String, String> entry : metadata.entrySet()) {
      chars += entry.getKey().length() + entry.getValue().length();
    }
    if (metadata.size() > Limits.SCALARS || chars > Limits.TEXT_CHARS) {
      throw new IllegalArgumentException(
          "metadata of %d entries and %d characters exceeds the limits, %d and %d"
              .formatted(metadata.size(), chars, Limits.SCALARS, Limits.TEXT_CHARS));
    }
  }

  private Written write(byte[] header, List<TensorEntry> entries) throws IOException {
    append(ByteBuffer.wrap(header));
    List<StoredTensor> stored = new ArrayList<>();
    for (TensorEntry entry : entries) {
      stored.add(new StoredTensor(entry.spec(), writeTensor(entry)));
    }
    return new Written(written, fileChecksum.getValue(), stored);
  }

  private long writeTensor(TensorEntry entry) throws IOException {
    CRC32C checksum = new CRC32C();
    long bytes = entry.spec().bytes();
    for (long offset = 0; offset < bytes; offset += Chunk.BYTES) {
      int length = (int) Math.min(Chunk.BYTES, bytes - offset);
      // A view of its own, so that a source cannot move the limit.
      ByteBuffer view = chunk.view(length).order(ByteOrder.LITTLE_ENDIAN);
      entry.values().fill(offset, view);
      if (view.position() != length) {
        throw new IllegalStateException(
            "source of tensor %s left its chunk of %d bytes at offset %d at position %d"
                .formatted(Printable.of(entry.spec().name()), length, offset, view.position()));
      }
      checksum.update(chunk.view(length));
      append(chunk.view(length));
    }
    return checksum.getValue();
  }

  private void append(ByteBuffer bytes) throws IOException {
    written += bytes.remaining();
    fileChecksum.update(bytes.duplicate());
    sink.write(bytes);
  }
}
