package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Reads the tensors of one checkpoint by name, from whichever shard holds them; for one thread.
 *
 * <p>Since every tensor is stored whole, any number of ranks may read what any other number wrote.
 * Bytes are checked against the manifest before they are trusted, as each method says.
 */
public final class CheckpointReader implements Closeable {
  private final CheckpointFiles files;
  private final CheckpointManifest manifest;
  private final Map<String, SafetensorsReader> shards = new HashMap<>();
  private final Set<String> verified = new HashSet<>();
  private final Chunk chunk = new Chunk();

  CheckpointReader(CheckpointFiles files, CheckpointManifest manifest) {
    this.files = files;
    this.manifest = manifest;
  }

  /** What the checkpoint holds. */
  public CheckpointManifest manifest() {
    return manifest;
  }

  /**
   * Fills {@code target} from its position to its limit with elements of a tensor.
   *
   * <p>The first such read of a tensor checks all of it, so no damaged byte is handed out. The
   * bytes are little-endian, whatever the target's order.
   *
   * @param elementOffset the first element to read
   * @param target written; holds whole elements
   * @throws CheckpointException if there is no such tensor, or it cannot be read or is damaged
   * @throws IllegalArgumentException if the target does not hold whole elements
   * @throws IndexOutOfBoundsException if the tensor ends before the target does
   */
  public void read(String name, long elementOffset, ByteBuffer target) {
    CheckpointManifest.Entry entry = entry(name);
    TensorSpec spec = entry.tensor().spec();
    int elementBytes = spec.dtype().bytes();
    if (target.remaining() % elementBytes != 0) {
      throw new IllegalArgumentException(
          "%d bytes are not whole elements of dtype %s"
              .formatted(target.remaining(), spec.dtype()));
    }
    Objects.checkFromIndexSize(
        elementOffset, (long) target.remaining() / elementBytes, spec.elements());
    SafetensorsReader shard = shard(entry.shard());
    if (!verified.contains(name) && target.remaining() == spec.bytes()) {
      ByteBuffer whole = target.duplicate();
      shard.read(name, 0, target);
      CRC32C checksum = new CRC32C();
      checksum.update(whole);
      requireSame(entry, checksum.getValue());
      return;
    }
    if (!verified.contains(name)) {
      requireSame(entry, shard.read(name, (offset, bytes) -> {}));
    }
    shard.read(name, elementOffset * elementBytes, target);
  }

  /**
   * Streams all of a tensor to {@code sink}, checking it on the way.
   *
   * @throws CheckpointException if there is no such tensor, or it cannot be read, or turns out
   *     damaged after its last chunk: what the sink took is void then
   */
  public void read(String name, ByteSink sink) {
    CheckpointManifest.Entry entry = entry(name);
    requireSame(entry, shard(entry.shard()).read(name, sink));
  }

  /**
   * Reads every byte of every shard and compares all checksums.
   *
   * @throws CheckpointException for the first shard or tensor that is missing or damaged
   */
  public void verifyAll() {
    for (StoredShard shard : manifest.shards()) {
      verifyShard(shard);
    }
  }

  /**
   * Reads every byte of one rank's shard and compares all checksums, so that ranks can share the
   * work.
   *
   * @param rank a rank of the world that wrote the checkpoint
   * @throws CheckpointException if the shard is missing or damaged
   */
  public void verifyShard(int rank) {
    verifyShard(
        manifest.shards().stream()
            .filter(shard -> shard.rank() == rank)
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException("no shard of rank " + rank + " in " + manifest)));
  }

  @Override
  public void close() {
    shards.values().forEach(SafetensorsReader::close);
    shards.clear();
  }

  /** Checks that every shard is there, has the right length, and lists the right tensors. */
  void checkShards() {
    for (StoredShard shard : manifest.shards()) {
      openShard(shard).close();
    }
  }

  private void verifyShard(StoredShard stored) {
    CRC32C file = new CRC32C();
    try (SafetensorsReader shard = openShard(stored)) {
      shard.readHead((offset, bytes) -> file.update(bytes));
      for (StoredTensor tensor : stored.tensors()) {
        String name = tensor.spec().name();
        long crc32c = shard.read(name, (offset, bytes) -> file.update(bytes));
        requireSame(new CheckpointManifest.Entry(stored, tensor), crc32c);
      }
    }
    if (file.getValue() != stored.crc32c()) {
      throw damaged(stored, "its checksum is", stored.crc32c(), file.getValue());
    }
  }

  private CheckpointManifest.Entry entry(String name) {
    return manifest
        .entry(name)
        .orElseThrow(
            () ->
                new CheckpointException(
                    "%s has no tensor %s; resume with the settings that wrote it"
                        .formatted(files.location(manifest.directory()), Printable.of(name))));
  }

  private void requireSame(CheckpointManifest.Entry entry, long actual) {
    String name = entry.tensor().spec().name();
    long expected = entry.tensor().crc32c();
    if (actual != expected) {
      throw damaged(
          entry.shard(), "the checksum of tensor " + Printable.of(name) + " is", expected, actual);
    }
    verified.add(name);
  }

  private CheckpointException damaged(StoredShard shard, String what, long expected, long actual) {
    return new CheckpointException(
        "%s is damaged: %s %s in the manifest, %s in the file"
            .formatted(
                location(shard), what, ManifestJson.hex(expected), ManifestJson.hex(actual)));
  }

  private String location(StoredShard shard) {
    return files.location(pathOf(shard));
  }

  private String pathOf(StoredShard shard) {
    return manifest.directory() + "/" + shard.file();
  }

  private SafetensorsReader shard(StoredShard shard) {
    return shards.computeIfAbsent(shard.file(), file -> openShard(shard));
  }

  private SafetensorsReader openShard(StoredShard shard) {
    String path = pathOf(shard);
    try {
      long bytes = files.size(path);
      if (bytes != shard.bytes()) {
        throw new CheckpointException(
            "%s has %d bytes, its manifest says %d"
                .formatted(location(shard), bytes, shard.bytes()));
      }
    } catch (IOException e) {
      throw new CheckpointException(location(shard) + ": missing or unreadable: " + e, e);
    }
    SafetensorsReader reader = SafetensorsReader.open(files, path, chunk);
    // Same tensors in the same order without gaps: then every byte lies where the writer put it.
    if (!reader.tensors().equals(shard.tensors().stream().map(StoredTensor::spec).toList())) {
      reader.close();
      throw new CheckpointException(
          location(shard) + ": its header lists other tensors than the manifest");
    }
    return reader;
  }
}
