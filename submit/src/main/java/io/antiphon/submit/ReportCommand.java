package io.antiphon.submit;

import io.antiphon.conf.ConfigException;
import io.antiphon.conf.Printable;
import io.antiphon.conf.Problem;
import io.antiphon.monitor.RunMonitor;
import io.antiphon.run.LocalCheckpoints;
import io.antiphon.run.RunDirectory;
import io.antiphon.train.report.RunSummary;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes the summary and the report of a run again. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = {
      "Makes summary.json and report.html of a run again from its metrics.jsonl, which stays as it"
          + " is: for a run that was killed, or a report that is lost or of an older version.",
      "Refuses while a process trains in the directory: that process refreshes the report itself,"
          + " every monitor.report-every steps."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  antiphon report --run-dir runs/quickstart-1"})
final class ReportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--run-dir",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the run.")
  private Path runDirectory = Path.of(".");

  @Override
  public Integer call() {
    requireMetrics();
    PrintWriter err = spec.commandLine().getErr();
    Optional<RunSummary> summary;
    try (RunDirectory held = RunDirectory.hold(runDirectory, LocalCheckpoints::open)) {
      summary =
          RunMonitor.rebuild(
              held.path(), warning -> err.println("antiphon: " + Printable.message(warning)));
    }
    RunSummary made = summary.orElseThrow(() -> unusable("its metrics.jsonl tells of no run"));
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "made summary.json and report.html of %s again: %s, step %d%n",
        Printable.value(runDirectory.toString()),
        made.outcome().name().toLowerCase(Locale.ROOT),
        made.steps());
    out.flush();
    return 0;
  }

  /** Asks before the directory is held, which would leave a lock file in any directory. */
  private void requireMetrics() {
    if (!Files.isDirectory(runDirectory)) {
      throw unusable(Files.exists(runDirectory) ? "is a file" : "there is no such directory");
    }
    if (!Files.isRegularFile(runDirectory.resolve("metrics.jsonl"))) {
      throw unusable("it has no metrics.jsonl");
    }
  }

  private ConfigException unusable(String why) {
    return new ConfigException(
        List.of(
            new Problem(
                "--run-dir",
                0,
                runDirectory.toString(),
                "",
                "must be the directory of a run: " + why,
                "name the directory of a run; without --run-dir, train makes runs/NAME-N")));
  }
}
