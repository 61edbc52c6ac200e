package io.antiphon.job.storage;

import io.antiphon.train.checkpoint.CheckpointFiles;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.LocalCheckpointFiles;
import java.nio.file.Path;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the checkpoints at a place that a user named. */
public final class CheckpointStorage {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointStorage.class);

  private CheckpointStorage() {}

  /** Does what {@link #open(String, Map)} does, with the settings of this process alone. */
  public static Checkpoints open(String directory) {
    return open(directory, Map.of());
  }

  /**
   * The checkpoints of a directory. On a local or shared POSIX file system files and directories
   * are forced to the device; any other goes through Hadoop, and so does a path without a scheme
   * where Hadoop's default file system is not the local one.
   *
   * @param hadoopSettings on top of those that Hadoop finds itself
   */
  public static Checkpoints open(String directory, Map<String, String> hadoopSettings) {
    Configuration configuration = new Configuration();
    hadoopSettings.forEach(configuration::set);
    return new Checkpoints(files(directory, configuration), warning -> LOG.warn("{}", warning));
  }

  private static CheckpointFiles files(String directory, Configuration configuration) {
    if (directory.startsWith("file:/")) {
      // Hadoop's path takes blanks and other characters as they are.
      String path = new org.apache.hadoop.fs.Path(directory).toUri().getPath();
      return new LocalCheckpointFiles(Path.of(path));
    }
    boolean scheme = directory.matches("[A-Za-z][A-Za-z0-9+.-]+:.*");
    boolean local = "file".equals(FileSystem.getDefaultUri(configuration).getScheme());
    return scheme || !local
        ? HadoopCheckpointFiles.of(directory, configuration)
        : new LocalCheckpointFiles(Path.of(directory));
  }
}
