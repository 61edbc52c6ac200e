package io.antiphon.submit;

import java.nio.file.Files;
import java.nio.file.Path;

/** Chooses the directory of a run for which the user named none. */
final class RunDirectories {
  private RunDirectories() {}

  /** The newest {@code parent/name-N} without a summary of a completed run, or the next one. */
  static Path choose(Path parent, String name) {
    int number = 1;
    while (isFinished(parent.resolve(name + "-" + number))) {
      number++;
    }
    return parent.resolve(name + "-" + number);
  }

  /** The newest existing {@code parent/name-N}, for commands that read a run. */
  static Path newest(Path parent, String name) {
    int number = 1;
    while (Files.isDirectory(parent.resolve(name + "-" + (number + 1)))) {
      number++;
    }
    return parent.resolve(name + "-" + number);
  }

  private static boolean isFinished(Path directory) {
    Path summary = directory.resolve("summary.json");
    try {
      return Files.isRegularFile(summary)
          && Files.readString(summary).replace(" ", "").contains("\"outcome\":\"completed\"");
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
