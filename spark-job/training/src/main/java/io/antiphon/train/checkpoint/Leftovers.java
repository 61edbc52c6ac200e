package io.antiphon.train.checkpoint;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/** Removes what crashed attempts left behind, once a later commit makes it useless. */
final class Leftovers {
  private final CheckpointFiles files;
  private final ManifestFile manifests;
  private final Consumer<String> warnings;

  Leftovers(CheckpointFiles files, ManifestFile manifests, Consumer<String> warnings) {
    this.files = files;
    this.manifests = manifests;
    this.warnings = warnings;
  }

  /**
   * Cleans up after {@code committed} became the latest checkpoint. A failure is only a warning:
   * leftovers cost space, never correctness.
   */
  void removeAfter(CheckpointManifest committed) {
    try {
      for (String name : files.list("")) {
        CheckpointLayout.Directory directory = CheckpointLayout.parse(name).orElse(null);
        if (directory != null) {
          remove(directory, committed);
        }
      }
    } catch (IOException e) {
      warnings.accept(
          "leftovers of earlier attempts in "
              + files.location("")
              + " cannot be removed; the next commit tries again: "
              + e);
    }
  }

  private void remove(CheckpointLayout.Directory directory, CheckpointManifest committed)
      throws IOException {
    boolean later = directory.step() > committed.step();
    switch (directory.role()) {
      case WORKING -> {
        // Ranks of this attempt may have begun a later checkpoint already.
        if (!later || !directory.attempt().equals(committed.attempt())) {
          files.delete(directory.name());
        }
      }
      case REPLACED -> {
        if (!later) {
          manifests.deleteCheckpoint(directory.name());
        }
      }
      case COMMITTED -> {
        if (directory.step() == committed.step()) {
          removeUnnamed(directory.name(), committed);
        } else if (!later && !manifests.existsIn(directory.name())) {
          files.delete(directory.name());
        }
      }
    }
  }

  private void removeUnnamed(String directory, CheckpointManifest manifest) throws IOException {
    Set<String> named = new HashSet<>();
    named.add(CheckpointLayout.MANIFEST);
    manifest.shards().forEach(shard -> named.add(shard.file()));
    for (String file : files.list(directory)) {
      if (!named.contains(file)) {
        files.delete(directory + "/" + file);
      }
    }
  }
}
