package io.antiphon.submit;

import io.antiphon.conf.Settings;
import io.antiphon.job.storage.RunDirectory;
import java.nio.file.Path;

/** Chooses the directory of a run for which the user named none. */
final class RunDirectories {
  private RunDirectories() {}

  /** The first {@code parent/NAME-N} that a run with {@code settings} can begin or continue in. */
  static Path choose(Path parent, Settings settings) {
    int number = 1;
    Path directory = parent.resolve(settings.name() + "-" + number);
    while (!RunDirectory.isOpenTo(settings, directory)) {
      number++;
      directory = parent.resolve(settings.name() + "-" + number);
    }
    return directory;
  }
}
