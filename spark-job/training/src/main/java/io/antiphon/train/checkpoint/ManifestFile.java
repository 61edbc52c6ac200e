package io.antiphon.train.checkpoint;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The manifest of a checkpoint's directory, on storage. */
final class ManifestFile {
  private final CheckpointFiles files;

  ManifestFile(CheckpointFiles files) {
    this.files = files;
  }

  static String pathIn(String directory) {
    return directory + "/" + CheckpointLayout.MANIFEST;
  }

  /** Whether a directory has a manifest, sound or not: without one it was never a checkpoint. */
  boolean existsIn(String directory) throws IOException {
    return files.exists(pathIn(directory));
  }

  /**
   * Reads the manifest of a directory.
   *
   * @throws CheckpointException if it is missing, damaged, too long or of another step
   */
  CheckpointManifest read(CheckpointLayout.Directory directory) {
    String path = pathIn(directory.name());
    String file = files.location(path);
    try {
      long bytes = files.size(path);
      if (bytes > Limits.MANIFEST_BYTES) {
        throw new CheckpointException(
            "%s: %d bytes exceed the limit of a manifest, %d"
                .formatted(file, bytes, Limits.MANIFEST_BYTES));
      }
      try (CheckpointFiles.Source source = files.open(path)) {
        CheckpointManifest manifest =
            ManifestJson.decodeManifest(
                new BufferedInputStream(new SourceInputStream(source, 0, bytes)),
                file,
                directory.name());
        if (manifest.step() != directory.step()) {
          throw new CheckpointException(
              "%s: is of step %d, its directory of step %d"
                  .formatted(file, manifest.step(), directory.step()));
        }
        return manifest;
      }
    } catch (IOException e) {
      throw new CheckpointException(file + ": cannot be read: " + e, e);
    }
  }

  /** Writes a manifest, durably; the shards it names are there already. */
  void write(String directory, CheckpointManifest manifest) throws IOException {
    byte[] bytes = ManifestJson.encode(manifest);
    String path = pathIn(directory);
    if (bytes.length > Limits.MANIFEST_BYTES) {
      throw new CheckpointException(
          "%s: the manifest of %s would take %d bytes; the limit is %d. Shorten the tensors' names"
              .formatted(files.location(path), manifest, bytes.length, Limits.MANIFEST_BYTES));
    }
    try (CheckpointFiles.Sink sink = files.create(path)) {
      sink.write(ByteBuffer.wrap(bytes));
      sink.complete();
    }
  }

  /**
   * Deletes a checkpoint such that no reader takes what remains, at any moment, for a whole one.
   */
  void deleteCheckpoint(String directory) throws IOException {
    files.delete(pathIn(directory));
    files.delete(directory);
  }
}
