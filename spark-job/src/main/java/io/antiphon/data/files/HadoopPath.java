package io.antiphon.data.files;

import io.antiphon.data.DataException;
import io.antiphon.data.FileOpener;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A place that a user named, on Hadoop's file system for it. Everything that opens a file system
 * does it here, so that each says in the same words what is missing.
 *
 * @param setting key that names the place, such as {@code data.text}; for messages
 * @param path as given
 * @param files Hadoop's shared object, never to be closed
 */
public record HadoopPath(String setting, Path path, FileSystem files) {

  /**
   * Opens the file system of a place. Some file systems are asked for nothing yet then.
   *
   * @param location a path, or an address with a scheme
   * @throws DataException if the location is no path, no class serves its scheme, or the file
   *     system refuses
   */
  public static HadoopPath open(String setting, String location, Configuration configuration) {
    try {
      return open(setting, location, new Path(location), configuration);
    } catch (IllegalArgumentException failure) {
      throw unusable(setting, location, failure);
    }
  }

  /** Settings that differ from those that Hadoop finds itself, as they travel to executors. */
  public static Map<String, String> changed(Configuration configuration) {
    Configuration defaults = new Configuration();
    Map<String, String> changed = new HashMap<>();
    for (Map.Entry<String, String> entry : configuration) {
      String raw = entry.getValue();
      if (raw != null && !Objects.equals(raw, defaults.getRaw(entry.getKey()))) {
        changed.put(entry.getKey(), raw);
      }
    }
    return changed;
  }

  /** Opens files where {@code configuration} leads, the local ones included. */
  public static FileOpener opener(Configuration configuration) {
    return (setting, location) -> {
      HadoopPath place = open(setting, location, configuration);
      try {
        return place.files().open(place.path());
      } catch (IOException | FSError failure) {
        throw new IOException(Failures.reason(failure), failure);
      }
    };
  }

  /** Opens a path that was made of one that a user named. */
  public static HadoopPath open(String setting, Path path, Configuration configuration) {
    return open(setting, path.toString(), path, configuration);
  }

  private static HadoopPath open(
      String setting, String location, Path path, Configuration configuration) {
    try {
      return new HadoopPath(setting, path, path.getFileSystem(configuration));
    } catch (IOException
        | RuntimeException
        | FSError
        | LinkageError // classes of a file system without those that they call
        | ServiceConfigurationError failure) {
      throw unusable(setting, location, failure);
    }
  }

  private static DataException unusable(String setting, String location, Throwable failure) {
    return new DataException(
        setting + ": cannot use '" + location + "': " + Failures.reason(failure), failure);
  }

  /** The place as other processes must be told it: their working directory is another. */
  public String absolute() {
    return path.isAbsolute() ? path.toString() : files.makeQualified(path).toString();
  }

  /**
   * Creates the directory if it is not there, and makes sure that files can be written to it.
   *
   * @throws DataException if not
   */
  public void requireWritable() {
    Path probe = new Path(path, ".probe-" + UUID.randomUUID());
    try {
      if (!files.mkdirs(path)) {
        throw new IOException("the file system refused to create the directory");
      }
      files.create(probe, true).close();
      files.delete(probe, false);
    } catch (IOException | FSError | IllegalArgumentException failure) {
      throw notWritable(failure);
    }
  }

  /** What to throw after something could not be written below this directory. */
  public DataException notWritable(Throwable failure) {
    return new DataException(
        setting
            + ": cannot write to "
            + path
            + ": "
            + Failures.reason(failure)
            + "; set it to a writable directory with enough space",
        failure);
  }
}
