package io.antiphon.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Opens files that a user named, on the file systems that a run's host reaches. */
@FunctionalInterface
public interface FileOpener {
  /** Files of this machine, which are all there are without Hadoop. */
  FileOpener LOCAL = FileOpener::openLocal;

  /**
   * Opens a file at its beginning.
   *
   * @param setting key that names the file, such as {@code data.tokenizer}; for messages
   * @param location a path, or an address with a scheme
   * @throws DataException if there is no file system for it
   * @throws IOException if the file cannot be opened
   */
  InputStream open(String setting, String location) throws IOException;

  private static InputStream openLocal(String setting, String location) throws IOException {
    if (location.matches("(?!file:)[A-Za-z][A-Za-z0-9+.-]+:.*")) {
      throw new DataException(
          setting
              + ": cannot use '"
              + location
              + "': other file systems than this machine's need Spark, which is not here; name a"
              + " local file");
    }
    try {
      return Files.newInputStream(Path.of(location.replaceFirst("^file:(//)?", "")));
    } catch (InvalidPathException e) {
      throw new DataException(setting + ": '" + location + "' is no path: " + e.getReason(), e);
    }
  }
}
