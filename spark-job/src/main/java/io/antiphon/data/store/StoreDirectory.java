package io.antiphon.data.store;

import io.antiphon.data.DataException;
import io.antiphon.data.Split;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.files.TemporaryFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The place of one request's store in the cache directory: reused if complete, else built. */
public final class StoreDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(StoreDirectory.class);

  private static final String SETTING = "data.cache-dir";
  private static final String PREFIX = "tokens-";

  private final HadoopPath cache;
  private final Path path;
  private final String fingerprint;
  private final Configuration configuration;

  /**
   * Looks nowhere yet.
   *
   * @param fingerprint of a request and its input, at least 16 characters
   * @throws DataException if no file system has such a directory
   */
  public StoreDirectory(String cacheDir, String fingerprint, Configuration configuration) {
    this.fingerprint = fingerprint;
    this.configuration = configuration;
    this.cache = HadoopPath.open(SETTING, cacheDir, configuration);
    Path relative = new Path(cache.path(), PREFIX + fingerprint.substring(0, 16));
    this.path = cache.files().makeQualified(relative);
  }

  /**
   * A complete store of a cache directory that holds the same tokens in the same order.
   *
   * @param contentDigest as {@link StoreManifest#contentDigest}
   */
  public static Optional<StoreLocation> holding(
      String cacheDir, String contentDigest, Configuration configuration) {
    HadoopPath cache = HadoopPath.open(SETTING, cacheDir, configuration);
    try {
      if (!cache.files().exists(cache.path())) {
        return Optional.empty();
      }
      for (FileStatus found : cache.files().listStatus(cache.path())) {
        if (found.isDirectory() && found.getPath().getName().startsWith(PREFIX)) {
          StoreLocation store = StoreLocation.of(found.getPath(), configuration);
          if (holds(store, contentDigest)) {
            return Optional.of(store);
          }
        }
      }
      return Optional.empty();
    } catch (IOException | FSError failure) {
      return Optional.empty(); // what is wrong with the directory shows when a store is built there
    }
  }

  private static boolean holds(StoreLocation store, String contentDigest) {
    try {
      StoreManifest manifest = store.manifest();
      if (!manifest.contentDigest().equals(contentDigest)) {
        return false;
      }
      for (Split split : Split.values()) {
        ShardFiles.open(store, manifest, split).close();
      }
      return true;
    } catch (DataException incomplete) {
      return false;
    }
  }

  /** Where the store is, or will be. */
  public StoreLocation location() {
    return StoreLocation.of(path, configuration);
  }

  /** The manifest of a complete store of the same request, after checking all its files. */
  public Optional<StoreManifest> existing() {
    try {
      if (!cache.files().exists(new Path(path, StoreManifest.FILE))) {
        return Optional.empty();
      }
      StoreManifest manifest = location().manifest();
      if (!manifest.fingerprint().equals(fingerprint)) {
        return Optional.empty();
      }
      requireComplete(manifest);
      return Optional.of(manifest);
    } catch (DataException broken) {
      LOG.warn("Building the token store at {} again: {}", path, broken.getMessage());
      return Optional.empty();
    } catch (IOException | FSError failure) {
      throw cache.notWritable(failure);
    }
  }

  /** Creates the directory, and makes sure that files can be written to it. */
  public void requireWritable() {
    new HadoopPath(SETTING, path, cache.files()).requireWritable();
  }

  /**
   * Makes the store complete: the manifest gets its name last, in one step. Then what failed builds
   * left behind goes; another build of the same store that still runs finds all files complete.
   */
  public void commit(StoreManifest manifest) {
    requireComplete(manifest);
    Path temporary = new Path(path, ".manifest-" + UUID.randomUUID());
    Path complete = new Path(path, StoreManifest.FILE);
    try {
      FileSystem files = cache.files();
      try (OutputStream out = files.create(temporary, true)) {
        out.write(manifest.toJson());
      }
      files.delete(complete, false);
      TemporaryFiles.complete(files, temporary, complete);
      TemporaryFiles.deleteLeftovers(files, path, StoreDirectory::isTemporary);
    } catch (IOException | FSError failure) {
      throw cache.notWritable(failure);
    }
  }

  private static boolean isTemporary(String name) {
    return name.startsWith(".shard-")
        || name.startsWith(".manifest-")
        || name.startsWith(".probe-");
  }

  private void requireComplete(StoreManifest manifest) {
    for (Split split : Split.values()) {
      try {
        ShardFiles.open(location(), manifest, split).close();
      } catch (DataException failure) {
        throw new DataException(
            failure.getMessage()
                + " (executors and driver must share data.cache-dir: on a cluster, use a file"
                + " system that all of them reach)",
            failure);
      }
    }
  }
}
