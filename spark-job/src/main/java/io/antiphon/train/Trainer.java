package io.antiphon.train;

import io.antiphon.conf.Settings;
import io.antiphon.model.ModelState;
import io.antiphon.model.StepRecord;
import io.antiphon.model.StepRecord.Field;
import io.antiphon.model.TrainingStep;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunEvent;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * One rank's training loop. Steps are launched without waiting; the record of a step is read before
 * the one {@code lag} steps later is launched. A step that did not fit its row capacity, and all
 * launched after it, changed nothing: the loop then gives every rank more capacity and launches the
 * same batches again.
 */
public final class Trainer {
  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

  private final Settings settings;
  private final ModelSetup setup;
  private final RankDevice device;
  private final RankContext context;
  private final RunFacts facts;
  private final ModelState state;
  private final RunCheckpoints checkpoints;
  private final Evaluator evaluator;
  private final int lag;
  private final Deque<ByteBuffer> inFlight = new ArrayDeque<>();

  private TrainingStep step;
  private long launched;
  private long committed;
  private long replaysRead;
  private int reruns;
  private long skipped;
  private boolean stopping;
  private long stepStarted;
  private Map<String, Long> knownCalls = Map.of();

  /**
   * @param facts what the data and the driver know about the run
   * @param state initial or to be restored from {@code checkpoints}
   * @param lag steps launched beyond the one whose record is awaited; 0 waits for every step
   */
  public Trainer(
      Settings settings,
      ModelSetup setup,
      RankDevice device,
      RankContext context,
      RunFacts facts,
      ModelState state,
      RunCheckpoints checkpoints,
      Evaluator evaluator,
      int lag) {
    this.settings = settings;
    this.setup = setup;
    this.device = device;
    this.context = context;
    this.facts = facts;
    this.state = state;
    this.checkpoints = checkpoints;
    this.evaluator = evaluator;
    this.lag = lag;
    int expertRanks = device.groups().experts().ranks();
    this.step = record(setup.rowCapacity(settings.moe().tokenCapacity(), expertRanks));
  }

  private TrainingStep record(long rowCapacity) {
    return new TrainingStep(
        state,
        device.groups(),
        setup.batch(),
        setup.update(),
        rowCapacity,
        lag + 1,
        settings.monitor().recordRouting().isPresent());
  }

  /**
   * Trains from the newest checkpoint, if there is one, to the last step or until a stop is
   * requested.
   *
   * @param batches opens this rank's batches from a step on
   */
  public TrainingResult run(BatchOpener batches) {
    MDC.put("rank", Integer.toString(context.rank()));
    try {
      committed = checkpoints.restore(state);
      launched = committed;
      replaysRead = step.replays();
      reportStart();
      try (BatchSource source = batches.open(committed)) {
        train(source);
      }
      return new TrainingResult(committed, committed < settings.schedule().steps());
    } finally {
      step.close();
      MDC.remove("rank");
      MDC.remove("step");
    }
  }

  private void reportStart() {
    if (context.rank() != 0) {
      return;
    }
    context.reports().started(facts.info(settings, setup, device, committed, Instant.now()));
    LOG.info(
        "{}; state: {}; activations: {}",
        device.backend().description(),
        state.memoryPlan(),
        step.memoryPlan());
  }

  private void train(BatchSource source) {
    long steps = settings.schedule().steps();
    if (committed == 0 && settings.schedule().evaluateEvery() > 0) {
      evaluate();
    }
    stepStarted = System.nanoTime();
    knownCalls = device.driverCalls();
    while (committed < steps && !stopping) {
      long boundary = nextBoundary();
      while (launched < boundary && inFlight.size() <= lag) {
        launch(TokenBytes.of(source.next()));
      }
      settle(step.read(replaysRead));
      if (committed == boundary || stopping) {
        drain();
        atBoundary();
      }
    }
  }

  /** The step after which the loop must stop launching: a checkpoint, an evaluation, or the end. */
  private long nextBoundary() {
    long boundary = settings.schedule().steps();
    boundary = Math.min(boundary, nextMultiple(settings.checkpoint().everySteps()));
    return Math.min(boundary, nextMultiple(settings.schedule().evaluateEvery()));
  }

  private long nextMultiple(long every) {
    return every > 0 ? (committed / every + 1) * every : Long.MAX_VALUE;
  }

  private void launch(ByteBuffer tokens) {
    inFlight.add(tokens);
    replay(tokens);
    launched++;
  }

  private void replay(ByteBuffer tokens) {
    step.replay(tokens.duplicate().order(tokens.order()), context.stopRequested().getAsBoolean());
  }

  /** Takes the record of the oldest step in flight: commits it, or runs it again. */
  private void settle(StepRecord record) {
    if (record.value(Field.OVERFLOW) != 0) {
      rerun(record);
      return;
    }
    replaysRead++;
    inFlight.remove();
    committed++;
    MDC.put("step", Long.toString(committed));
    if (record.value(Field.STOP) != 0) {
      stopping = true;
    }
    report(record);
    reruns = 0;
    stepStarted = System.nanoTime();
  }

  private void rerun(StepRecord record) {
    long required = (long) record.value(Field.REQUIRED_ROWS);
    long before = step.rowCapacity();
    int expertRanks = device.groups().experts().ranks();
    long capacity = setup.grownCapacity(before, required, expertRanks);
    if (before >= setup.mostRows(expertRanks)) {
      throw new IllegalStateException(
          "step " + (committed + 1) + " overflowed " + before + " rows, which hold any routing");
    }
    step.close();
    state.clearOverflow();
    step = record(capacity);
    replaysRead = step.replays();
    reruns++;
    if (context.rank() == 0) {
      String message =
          "step %d needed %d rows on a rank, the buffers hold %d; running it again with %d"
              .formatted(committed + 1, required, before, capacity);
      LOG.info("{}", message);
      context.reports().event(new RunEvent(RunEvent.Kind.RERUN, committed, message));
    }
    inFlight.forEach(this::replay);
  }

  /**
   * Settles everything in flight; what a stop request found already launched is trained, not lost.
   */
  private void drain() {
    while (!inFlight.isEmpty()) {
      settle(step.read(replaysRead));
    }
  }

  private void atBoundary() {
    long steps = settings.schedule().steps();
    long every = settings.checkpoint().everySteps();
    boolean last = committed == steps;
    long evaluateEvery = settings.schedule().evaluateEvery();
    if (last || (evaluateEvery > 0 && committed % evaluateEvery == 0 && !stopping)) {
      evaluate();
    }
    if (last || stopping || (every > 0 && committed % every == 0)) {
      checkpoints.save(state, committed);
      if (context.rank() == 0) {
        context
            .reports()
            .event(new RunEvent(RunEvent.Kind.CHECKPOINT, committed, "step " + committed));
      }
    }
    if (stopping && !last && context.rank() == 0) {
      context
          .reports()
          .event(new RunEvent(RunEvent.Kind.INTERRUPTED, committed, "stopped by the user"));
    }
    stepStarted = System.nanoTime();
    knownCalls = device.driverCalls();
  }

  private void evaluate() {
    if (evaluator.sequences() == 0) {
      return;
    }
    EvaluationMetrics metrics = evaluator.evaluate(committed).metrics();
    if (context.rank() == 0) {
      context.reports().evaluated(metrics);
    }
  }

  private void reportRouting(StepRecord record) {
    int microBatches = record.recordedMicroBatches();
    int moeLayers = microBatches == 0 ? 0 : setup.model().moeLayers();
    int denseLayers = setup.model().layers() - moeLayers;
    for (int layer = 0; layer < moeLayers; layer++) {
      for (int group = 0; group < record.expertGroups(); group++) {
        int[][] counts = new int[microBatches][];
        for (int microBatch = 0; microBatch < microBatches; microBatch++) {
          counts[microBatch] = record.routing(group, layer, microBatch);
        }
        context
            .reports()
            .routed(
                new RoutedCounts(
                    committed,
                    denseLayers + layer,
                    group,
                    device.groups().experts().ranks(),
                    setup.model().moe().experts(),
                    counts));
      }
    }
  }

  /** By name, since this was last asked. */
  private Map<String, Long> newDriverCalls() {
    Map<String, Long> all = device.driverCalls();
    Map<String, Long> fresh = new TreeMap<>();
    all.forEach(
        (name, count) -> {
          long more = count - knownCalls.getOrDefault(name, 0L);
          if (more > 0) {
            fresh.put(name, more);
          }
        });
    knownCalls = all;
    return fresh;
  }

  private void report(StepRecord record) {
    long skippedNow = (long) record.value(Field.SKIPPED);
    if (context.rank() == 0) {
      reportRouting(record);
      double seconds = Math.max(1e-9, (System.nanoTime() - stepStarted) / 1e9);
      context
          .reports()
          .step(
              StepReport.of(
                  record,
                  setup,
                  device.groups(),
                  step.rowCapacity(),
                  seconds,
                  reruns,
                  newDriverCalls()));
      if (skippedNow > skipped) {
        String message = "the gradient of step " + committed + " was not finite; no update";
        context.reports().event(new RunEvent(RunEvent.Kind.SKIPPED_UPDATE, committed, message));
      }
    }
    skipped = skippedNow;
  }
}
