package io.antiphon.job;

import io.antiphon.train.checkpoint.CheckpointFiles;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.LocalCheckpointFiles;
import java.net.URI;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the checkpoints at a place that a user named. */
final class CheckpointStorage {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointStorage.class);

  private CheckpointStorage() {}

  /**
   * The checkpoints of a directory: a path without a scheme is on a local or shared POSIX file
   * system, where files and directories are forced to the device; any other goes through Hadoop.
   */
  static Checkpoints open(String directory) {
    return new Checkpoints(files(directory), warning -> LOG.warn("{}", warning));
  }

  private static CheckpointFiles files(String directory) {
    if (directory.startsWith("file:/")) {
      return new LocalCheckpointFiles(Path.of(URI.create(directory).getPath()));
    }
    boolean scheme = directory.matches("[A-Za-z][A-Za-z0-9+.-]+:.*");
    return scheme
        ? HadoopCheckpointFiles.of(directory, new Configuration())
        : new LocalCheckpointFiles(Path.of(directory));
  }
}
