package io.antiphon.data.files;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.function.Predicate;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Files that get their own name when they are complete. */
public final class TemporaryFiles {
  private static final Logger LOG = LoggerFactory.getLogger(TemporaryFiles.class);

  private TemporaryFiles() {}

  /**
   * Gives a file its own name, unless another run did so with the same content before.
   *
   * @throws IOException if neither is there afterwards
   */
  public static void complete(FileSystem files, Path temporary, Path complete) throws IOException {
    boolean renamed;
    try {
      renamed = files.rename(temporary, complete);
    } catch (FileNotFoundException deletedAsALeftover) {
      renamed = false;
    }
    if (!renamed) {
      files.delete(temporary, false);
      if (!files.exists(complete)) {
        throw new IOException("cannot rename " + temporary + " to " + complete);
      }
    }
  }

  /**
   * Deletes what attempts that failed or were killed left in a directory: the files whose names are
   * temporary. A failure is a warning.
   */
  public static void deleteLeftovers(
      FileSystem files, Path directory, Predicate<String> temporary) {
    try {
      for (FileStatus file : files.listStatus(directory)) {
        if (file.isFile() && temporary.test(file.getPath().getName())) {
          files.delete(file.getPath(), false);
        }
      }
    } catch (IOException | FSError failure) {
      LOG.warn(
          "What earlier runs left in {} cannot be deleted: {}",
          directory,
          Failures.reason(failure));
    }
  }
}
