package io.antiphon.submit;

import io.antiphon.conf.Settings;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.HostProvider;
import io.antiphon.run.RunDirectory;
import io.antiphon.run.TrainingRun;
import io.antiphon.train.report.RunSummary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains a model. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = {
      "Trains a model and writes its run directory: metrics.jsonl, summary.json, report.html,"
          + " checkpoints/.",
      "Run again with the same --run-dir to continue from the newest checkpoint. Ctrl-C stops after"
          + " the current step and writes one; the third ends at once."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  antiphon train --preset quickstart",
      "  antiphon train --config my.conf --run-dir runs/mine --set moe.echo.slots-per-rank=2",
      "  antiphon train --config my.conf --run-dir runs/mine --set schedule.steps=4000",
      "  antiphon train --preset quickstart --record-routing routing",
      "  antiphon train --preset quickstart --cluster 2",
      "",
      "On a cluster, through Spark's own command (see docs/operations.md):",
      "  spark-submit --master spark://host:7077 --class io.antiphon.submit.Antiphon \\",
      "      antiphon.jar train --config my.conf"
    })
final class TrainCommand implements Callable<Integer> {
  private static final String NO_CHECKPOINTS = "checkpoint.enabled = false";

  /** Set by the launcher if its output ends at a terminal. */
  static final String TERMINAL = "ANTIPHON_TERMINAL";

  @Mixin SettingsOptions options = new SettingsOptions();

  @Option(
      names = "--run-dir",
      paramLabel = "DIR",
      description =
          "Directory of the run. Default: the first runs/NAME-N that is new, or that these settings"
              + " can continue.")
  @Nullable Path runDirectory;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master. Default: spark.master, else local[ranks].")
  @Nullable String master;

  @Option(
      names = "--cluster",
      paramLabel = "N",
      description =
          "Start a Spark cluster of N executors on this machine and train on it; as spark.cluster.")
  @Nullable Integer cluster;

  @Option(
      names = "--record-routing",
      paramLabel = "DIR",
      description =
          "Write the assignment counts of every step and layer there as Parquet, for simulate"
              + " --trace; as monitor.record-routing.")
  @Nullable String recordRouting;

  @Override
  public Integer call() throws Exception {
    List<String> more = new ArrayList<>();
    if (master != null) {
      more.add("spark.master=" + master);
    }
    if (cluster != null) {
      more.add("spark.cluster=" + cluster);
    }
    if (recordRouting != null) {
      more.add("monitor.record-routing=" + recordRouting);
    }
    Settings settings = options.read(more);
    HostProvider hosts = HostProvider.here();
    hosts.requireTrainable(settings);
    Path directory =
        runDirectory != null
            ? runDirectory
            : RunDirectory.choose(Path.of("runs"), settings, hosts.checkpoints());
    announce(settings, directory);
    if (!hosts.note().isEmpty()) {
      System.out.println(hosts.note());
    }
    TrainingRun run = new TrainingRun(settings, directory, terminal(), hosts);
    Interrupts interrupts = Interrupts.on(run::interrupt, settings.checkpoint().enabled());
    try {
      return ended(run.run(), settings, directory);
    } finally {
      interrupts.close();
    }
  }

  private static void announce(Settings settings, Path directory) {
    System.out.println(
        "run directory: "
            + directory
            + (settings.checkpoint().enabled()
                ? ""
                : "; nothing will be saved: " + NO_CHECKPOINTS));
  }

  private static Terminal terminal() {
    return Terminal.of(System.out, System.getenv().containsKey(TERMINAL), System.getenv());
  }

  private static int ended(RunSummary.Outcome outcome, Settings settings, Path directory) {
    if (outcome == RunSummary.Outcome.INTERRUPTED) {
      System.out.println(
          settings.checkpoint().enabled()
              ? "To continue, run the same command with --run-dir " + directory + " again."
              : "Nothing was saved: " + NO_CHECKPOINTS + ".");
      return Antiphon.INTERRUPTED;
    }
    if (settings.monitor().report()) {
      System.out.println("report: " + directory.resolve("report.html"));
    }
    return 0;
  }
}
