package io.antiphon.job.storage;

import io.antiphon.conf.SparkDefaults;
import io.antiphon.data.files.HadoopPath;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** Whether executors on other hosts find what a run keeps in directories. */
public final class SharedStorage {
  private SharedStorage() {}

  /**
   * A warning about directories on a local disk, which executors on other hosts cannot see unless
   * it is a mount that all hosts share; empty if there are none, or if this machine is all there
   * is.
   *
   * @param directories setting to directory
   */
  public static Optional<String> warning(
      String master, Map<String, String> directories, Configuration hadoop) {
    if (SparkDefaults.isLocal(master) || master.startsWith("local-cluster")) {
      return Optional.empty();
    }
    List<String> local = new ArrayList<>();
    directories.forEach(
        (setting, directory) -> {
          if (isLocal(directory, hadoop)) {
            local.add(setting + " = " + directory);
          }
        });
    if (local.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "with master %s, every executor must see the same files under %s: if executors run on other"
                .formatted(master, String.join(" and ", local))
            + " hosts and this is no directory shared by all of them (such as NFS), set it to one,"
            + " or to a place on HDFS or an object store");
  }

  private static boolean isLocal(String directory, Configuration hadoop) {
    try {
      return HadoopPath.open("directory", directory, hadoop).files().getScheme().equals("file");
    } catch (RuntimeException e) {
      return false; // whoever uses it says what is wrong with it
    }
  }
}
