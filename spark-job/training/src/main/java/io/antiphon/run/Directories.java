package io.antiphon.run;

import io.antiphon.conf.Settings;
import java.nio.file.Path;

/** Where a run keeps what all ranks read or write. */
public final class Directories {
  /** Scheme of local paths. Without it, Hadoop would look on the cluster's default file system. */
  static final String LOCAL = "file://";

  private Directories() {}

  /** Packed token stores: the setting, or a directory of the run. */
  public static String cache(Settings settings, Path runDirectory) {
    return settings.data().cacheDir().orElse(LOCAL + runDirectory.resolve("data"));
  }

  /** Checkpoints: the setting, or a directory of the run. */
  public static String checkpoints(Settings settings, Path runDirectory) {
    return settings.checkpoint().dir().orElse(LOCAL + runDirectory.resolve("checkpoints"));
  }
}
