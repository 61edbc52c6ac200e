package io.antiphon.run;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Problem;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.LocalCheckpointFiles;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Checkpoints on the file systems of this machine, which are all there are without Hadoop. */
public final class LocalCheckpoints {
  private static final Logger LOG = LoggerFactory.getLogger(LocalCheckpoints.class);
  private static final String OTHER_SCHEME = "(?!file:)[A-Za-z][A-Za-z0-9+.-]+:.*";

  private LocalCheckpoints() {}

  /**
   * The checkpoints of a directory.
   *
   * @param directory a path, or a {@code file:} URI whose characters stand for themselves
   * @throws ConfigException if it names another file system
   */
  public static Checkpoints open(String directory) {
    if (directory.matches(OTHER_SCHEME)) {
      throw new ConfigException(
          List.of(
              new Problem(
                  "settings",
                  0,
                  "checkpoint.dir",
                  directory,
                  "needs Spark, which is not here",
                  "name a directory of this machine, or unpack the archive with Spark over this"
                      + " one")));
    }
    Path path = Path.of(directory.replaceFirst("^file:(//)?", ""));
    return new Checkpoints(new LocalCheckpointFiles(path), warning -> LOG.warn("{}", warning));
  }
}
