package io.antiphon.submit;

import io.antiphon.conf.Settings;
import io.antiphon.run.GpuDiscovery;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What Spark would learn of the GPUs of this machine. */
final class DiscoveryCheck {
  private static final String NAME = "GPU discovery";
  private static final List<String> SCRIPT_KEYS =
      List.of(
          "spark.executor.resource.gpu.discoveryScript",
          "spark.worker.resource.gpu.discoveryScript");

  /** A script that finds GPUs. */
  interface Script {
    /** Runs {@code own}, or if it is empty the script that Antiphon brings. */
    GpuDiscovery run(Optional<Path> own) throws IOException, InterruptedException;
  }

  private final Script script;
  private final Optional<Path> own;
  private final boolean cluster;

  /**
   * The discovery of one run.
   *
   * @param settings may name a script of the user's
   */
  DiscoveryCheck(Optional<Settings> settings, Script script) {
    this.script = script;
    own = settings.flatMap(DiscoveryCheck::own);
    cluster = settings.map(run -> run.spark().cluster() > 0).orElse(false);
  }

  private static Optional<Path> own(Settings settings) {
    return SCRIPT_KEYS.stream()
        .filter(settings.spark().properties()::containsKey)
        .findFirst()
        .map(key -> Path.of(settings.spark().properties().get(key)));
  }

  /** Empty if this thread was interrupted. */
  Optional<Finding> finding(GpuDemand demand) {
    String name = own.map(Path::toString).orElse(GpuDiscovery.SCRIPT);
    GpuDiscovery found;
    try {
      found = script.run(own);
    } catch (IOException e) {
      found = GpuDiscovery.without(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
    if (found.problem().isEmpty()) {
      return Optional.of(Finding.ok(NAME, name + " prints " + found.printed()));
    }
    String what =
        name
            + " finds no GPU for Spark to give out: "
            + String.join("; ", found.problem().lines().toList());
    return Optional.of(
        cluster
            ? demand.problem(
                NAME,
                what,
                "executors of spark.cluster get none: see that nvidia-smi works, or name the GPUs"
                    + " in CUDA_VISIBLE_DEVICES")
            : Finding.warn(
                NAME,
                what,
                "needed on the machines of a Spark cluster only; see docs/operations.md"));
  }
}
