package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.monitor.MonitorOptions;
import io.antiphon.monitor.ProgressStyle;
import io.antiphon.monitor.RunMonitor;
import io.antiphon.monitor.Terminal;
import io.antiphon.train.CheckpointSpace;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RunFacts;
import io.antiphon.train.TrainingResult;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A training run on any host: its directory, its text, its ranks, and whoever watches it. */
public final class TrainingRun {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);

  /** Steps after which the report is written anew. */
  private static final int REPORT_EVERY = 50;

  private final Settings settings;
  private final Path runDirectory;
  private final Terminal terminal;
  private final HostProvider hosts;
  private final AtomicBoolean interrupted = new AtomicBoolean();
  private volatile boolean training;

  /**
   * @param runDirectory made if it is not there; holds everything the run writes
   * @param terminal where progress is shown
   * @param hosts where the ranks run
   */
  public TrainingRun(Settings settings, Path runDirectory, Terminal terminal, HostProvider hosts) {
    this.settings = settings;
    this.runDirectory = runDirectory.toAbsolutePath();
    this.terminal = terminal;
    this.hosts = hosts;
  }

  /**
   * Asks the run to stop after the current step, when it has written a checkpoint.
   *
   * @return whether it will; false while it still prepares, when there is nothing to save and the
   *     caller may end the process
   */
  public boolean interrupt() {
    interrupted.set(true);
    return training;
  }

  /**
   * Runs to the end.
   *
   * @throws io.antiphon.conf.ConfigException if the settings or the directory cannot be used
   * @throws io.antiphon.data.DataException if the data cannot be used
   * @throws RuntimeException if the run failed; {@link UserErrors} says what it means
   */
  public RunSummary.Outcome run() throws InterruptedException {
    hosts.requireTrainable(settings);
    UnaryOperator<Settings> kept =
        hosts.readsLocalFiles(settings) ? WorkingDirectory::absolute : UnaryOperator.identity();
    try (RunDirectory directory = RunDirectory.hold(runDirectory, hosts.checkpoints(), kept)) {
      long trained = directory.record(settings);
      if (directory.isComplete() && trained >= settings.schedule().steps()) {
        tell(
            "%s is complete: %d of %d steps are trained.\nTo train on, add for example"
                    .formatted(runDirectory, trained, settings.schedule().steps())
                + " --set schedule.steps=%d; to begin anew, take another --run-dir."
                    .formatted(2 * trained));
        return RunSummary.Outcome.COMPLETED;
      }
      try (RunHost host = hosts.open(settings, runDirectory, this::tell)) {
        return prepare(host, directory, trained);
      }
    }
  }

  private RunSummary.Outcome prepare(RunHost host, RunDirectory directory, long trained)
      throws InterruptedException {
    host.awaitPlaces(settings);
    tell("preparing data ...");
    PreparedText prepared =
        host.text(DataRequests.of(settings, runDirectory), settings.parallelism().ranks());
    directory.requireSame(prepared.identity(), settings);
    prepared
        .tokenizer()
        .content(hosts.files())
        .ifPresent(content -> TokenizerCopy.keep(runDirectory, content));
    RunText text = prepared.text();
    CheckpointPlace checkpoints = host.checkpoints(Directories.checkpoints(settings, runDirectory));
    RunFacts facts = text.facts(settings);
    requireSpace(text, checkpoints, trained);
    training = true;
    if (interrupted.get()) {
      tell("interrupted before the first step");
      return RunSummary.Outcome.INTERRUPTED;
    }
    TrainTask task = new TrainTask(resuming(), text, prepared.identity(), checkpoints, facts);
    List<RunListener> listeners = new ArrayList<>();
    host.recorder(settings, runDirectory, trained).ifPresent(listeners::add);
    try (RunMonitor monitor = RunMonitor.of(monitorOptions(), terminal)) {
      listeners.add(monitor);
      PrintStream before = System.err;
      System.setErr(monitor.above(before)); // else log lines would tear the progress bar
      try {
        return train(host, task, new Listeners(listeners));
      } finally {
        System.setErr(before);
      }
    }
  }

  private RunSummary.Outcome train(RunHost host, TrainTask task, Listeners listeners)
      throws InterruptedException {
    try {
      TrainingResult result = host.call(settings, task, listeners, interrupted::get);
      RunSummary.Outcome outcome =
          result.interrupted() ? RunSummary.Outcome.INTERRUPTED : RunSummary.Outcome.COMPLETED;
      listeners.finished(outcome, result.interrupted() ? "stopped by the user" : "");
      return outcome;
    } catch (CancellationException stopped) {
      listeners.finished(RunSummary.Outcome.INTERRUPTED, String.valueOf(stopped.getMessage()));
      return RunSummary.Outcome.INTERRUPTED;
    } catch (RuntimeException failure) { // of the ranks, of what follows them, or of our own
      String reason =
          UserErrors.explain(failure)
              .map(UserErrors.Explained::message)
              .orElseGet(() -> String.valueOf(failure));
      listeners.finished(RunSummary.Outcome.FAILED, reason);
      throw failure;
    }
  }

  private void requireSpace(RunText text, CheckpointPlace checkpoints, long trained) {
    Vocabulary vocabulary = text.vocabulary();
    ModelSetup setup = ModelSetup.of(settings, vocabulary.size(), vocabulary.endOfText());
    CheckpointSpace.of(settings, setup, checkpoints.open(), trained)
        .require()
        .ifPresent(warning -> LOG.warn("{}", warning));
  }

  private MonitorOptions monitorOptions() {
    ProgressStyle style = ProgressStyle.valueOf(settings.monitor().progress().name());
    return new MonitorOptions(
        runDirectory,
        settings.monitor().logEvery(),
        settings.monitor().report(),
        REPORT_EVERY,
        style);
  }

  /** Whatever the user wants at the start: an attempt after a failure goes on from a checkpoint. */
  private Settings resuming() {
    return settings.checkpoint().resume()
        ? settings
        : settings.with(List.of("checkpoint.resume=true"));
  }

  private void tell(String line) {
    terminal.out().println(line);
  }
}
