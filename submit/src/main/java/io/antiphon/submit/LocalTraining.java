package io.antiphon.submit;

import io.antiphon.conf.Settings;
import io.antiphon.data.BigramBaseline;
import io.antiphon.device.LastResort;
import io.antiphon.model.ModelState;
import io.antiphon.monitor.MonitorOptions;
import io.antiphon.monitor.ProgressStyle;
import io.antiphon.monitor.RunMonitor;
import io.antiphon.monitor.Terminal;
import io.antiphon.run.Directories;
import io.antiphon.run.LocalCheckpoints;
import io.antiphon.run.RunDirectory;
import io.antiphon.run.UserErrors;
import io.antiphon.tensor.CommException;
import io.antiphon.train.CheckpointSpace;
import io.antiphon.train.Evaluator;
import io.antiphon.train.ModelSetup;
import io.antiphon.train.RankBatches;
import io.antiphon.train.RankContext;
import io.antiphon.train.RankDevice;
import io.antiphon.train.RunCheckpoints;
import io.antiphon.train.RunFacts;
import io.antiphon.train.SequenceSource;
import io.antiphon.train.Trainer;
import io.antiphon.train.TrainingResult;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.report.RunSummary;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Trains without Spark: the ranks are threads of this process, text comes from files of this
 * machine, and a failed rank ends the run. The same trainer, model, metrics and checkpoints as with
 * Spark.
 */
final class LocalTraining {
  /** How long ranks are given to close once one has failed. */
  private static final Duration CLOSING = Duration.ofSeconds(90);

  private final Settings settings;
  private final Path directory;
  private final Terminal terminal;
  private final AtomicBoolean interrupted = new AtomicBoolean();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final List<Consumer<String>> abandons = new CopyOnWriteArrayList<>();
  private volatile boolean training;

  LocalTraining(Settings settings, Path directory, Terminal terminal) {
    this.settings = settings;
    this.directory = directory.toAbsolutePath();
    this.terminal = terminal;
  }

  /** As that of {@link io.antiphon.job.TrainingDriver}. */
  boolean interrupt() {
    interrupted.set(true);
    return training;
  }

  /** Runs to the end. */
  RunSummary.Outcome run() throws InterruptedException {
    requirePossible();
    RankDevice.requireAvailable(settings);
    LocalText text = LocalText.read(settings);
    try (RunDirectory run = RunDirectory.hold(directory, LocalCheckpoints::open)) {
      long trained = run.record(settings);
      if (run.isComplete() && trained >= settings.schedule().steps()) {
        terminal.out().println(directory + " is complete; to train on, raise schedule.steps");
        return RunSummary.Outcome.COMPLETED;
      }
      run.requireSame(text.identity(), settings);
      requireSpace(text, trained);
      return start(text);
    }
  }

  private void requireSpace(LocalText text, long trained) {
    try (SequenceSource validation = text.validation()) {
      ModelSetup setup = ModelSetup.of(settings, validation.vocabulary(), validation.endOfText());
      CheckpointSpace.of(settings, setup, checkpoints(), trained)
          .require()
          .ifPresent(warning -> LoggerFactory.getLogger(LocalTraining.class).warn("{}", warning));
    }
  }

  private RunSummary.Outcome start(LocalText text) throws InterruptedException {
    ProgressStyle style = ProgressStyle.valueOf(settings.monitor().progress().name());
    MonitorOptions options =
        new MonitorOptions(
            directory, settings.monitor().logEvery(), settings.monitor().report(), 50, style);
    RunFacts facts = facts(text);
    try (RunMonitor monitor = RunMonitor.of(options, terminal)) {
      PrintStream before = System.err;
      System.setErr(monitor.above(before));
      try {
        return train(text, facts, monitor);
      } finally {
        System.setErr(before);
      }
    }
  }

  private RunSummary.Outcome train(LocalText text, RunFacts facts, RunMonitor monitor)
      throws InterruptedException {
    int ranks = settings.parallelism().ranks();
    String attempt = UUID.randomUUID().toString();
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    training = true;
    try {
      List<Future<TrainingResult>> results = new ArrayList<>();
      for (Transport transport : ThreadTransport.group(ranks, settings.spark().commTimeout())) {
        RankContext context = new RankContext(transport, monitor, interrupted::get, attempt);
        results.add(threads.submit(() -> rank(context, text, facts)));
      }
      await(results);
      RunSummary.Outcome outcome =
          results.get(0).get().interrupted()
              ? RunSummary.Outcome.INTERRUPTED
              : RunSummary.Outcome.COMPLETED;
      boolean stopped = outcome == RunSummary.Outcome.INTERRUPTED;
      monitor.finished(outcome, stopped ? "stopped by the user" : "");
      return outcome;
    } catch (ExecutionException e) {
      Throwable first = e.getCause();
      monitor.finished(
          RunSummary.Outcome.FAILED,
          UserErrors.explain(first)
              .map(UserErrors.Explained::message)
              .orElseGet(() -> String.valueOf(first)));
      if (first instanceof RuntimeException known) {
        throw known;
      }
      throw new CommException("a rank failed: " + first, e);
    } finally {
      threads.shutdownNow();
    }
  }

  /** Waits for all ranks, also for those that close after another has failed; then not for ever. */
  private void await(List<Future<TrainingResult>> results)
      throws ExecutionException, InterruptedException {
    long failedFor = 0;
    for (Future<TrainingResult> result : results) {
      while (!result.isDone() && failedFor <= CLOSING.toSeconds()) {
        try {
          result.get(1, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
          failedFor += failure.get() == null ? 0 : 1;
        } catch (ExecutionException e) {
          failure.compareAndSet(null, e.getCause());
        }
      }
    }
    if (results.stream().anyMatch(result -> !result.isDone())) {
      LastResort.insteadOfExit(); // a rank hangs in the driver, as the process would that exits
    }
    if (failure.get() != null) {
      throw new ExecutionException(failure.get());
    }
  }

  /** Tells all ranks that this one has failed, also those that wait on their device. */
  private void fail(RankContext context, Throwable why) {
    failure.compareAndSet(null, why);
    String reason = "rank " + context.rank() + " failed: " + why.getMessage();
    context.transport().abort(reason);
    abandons.forEach(abandon -> abandon.accept(reason));
  }

  /** What one rank does, as the task of the Spark job does it. */
  private TrainingResult rank(RankContext context, LocalText text, RunFacts facts) {
    try (SequenceSource validation = text.validation();
        RankDevice device = RankDevice.open(settings, context.transport())) {
      ModelSetup setup = ModelSetup.of(settings, validation.vocabulary(), validation.endOfText());
      abandons.add(device.abandon());
      device.planMemory(settings, setup);
      var experts = device.groups().experts();
      try (ModelState state =
          new ModelState(device.backend(), setup.model(), experts.rank(), experts.ranks())) {
        long sequences = text.hasValidation() ? settings.data().validationSequences() : 0;
        double capacity = settings.moe().tokenCapacity();
        Trainer trainer =
            new Trainer(
                settings,
                setup,
                device,
                context,
                facts,
                state,
                new RunCheckpoints(settings, device, context, checkpoints(), text.identity()),
                new Evaluator(setup, device, state, validation, sequences, capacity),
                device.lag());
        return trainer.run(first -> batches(context, text, first));
      } catch (RuntimeException | Error e) {
        fail(context, e);
        throw e;
      }
    } catch (RuntimeException | Error e) {
      fail(context, e);
      throw e;
    }
  }

  private RankBatches batches(RankContext context, LocalText text, long first) {
    RankBatches.Share share =
        new RankBatches.Share(
            context.rank(),
            context.transport().ranks(),
            settings.schedule().globalBatch(),
            settings.schedule().microBatch());
    return RankBatches.open(text.train(), share, first, settings.data().prefetch());
  }

  private RunFacts facts(LocalText text) {
    if (!text.hasValidation()) {
      return new RunFacts(1, Double.NaN);
    }
    try (SequenceSource train = text.train();
        SequenceSource validation = text.validation()) {
      BigramBaseline.Result bigram =
          BigramBaseline.of(train).evaluate(validation, settings.data().validationSequences(), 1);
      return new RunFacts(1, bigram.lossPerToken());
    }
  }

  private Checkpoints checkpoints() {
    return LocalCheckpoints.open(Directories.checkpoints(settings, directory));
  }

  private void requirePossible() {
    String limit = "needs Spark, which is not here";
    String remedy = "leave it out, or unpack the archive with Spark over this one";
    if (settings.spark().cluster() != 0) {
      throw LocalText.unusable(
          "spark.cluster", Integer.toString(settings.spark().cluster()), limit, remedy);
    }
    if (settings.spark().master().isPresent()) {
      throw LocalText.unusable(
          "spark.master", settings.spark().master().orElseThrow(), limit, remedy);
    }
    if (settings.monitor().recordRouting().isPresent()) {
      throw LocalText.unusable(
          "monitor.record-routing",
          settings.monitor().recordRouting().orElseThrow(),
          limit,
          remedy);
    }
    checkpoints();
  }
}
