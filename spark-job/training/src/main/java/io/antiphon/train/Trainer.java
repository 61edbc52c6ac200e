package io.antiphon.train;

import io.antiphon.conf.Settings;
import io.antiphon.model.ModelState;
import io.antiphon.model.RecordOptions;
import io.antiphon.model.StepRecord;
import io.antiphon.model.StepRecord.Field;
import io.antiphon.model.TrainingStep;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.MDC;

/**
 * One rank's training loop. Steps are launched without waiting; the record of a step is read before
 * the one {@code lag} steps later is launched. A step that did not fit its row capacity, and all
 * launched after it, changed nothing: the loop then gives every rank more capacity and launches the
 * same batches again.
 */
public final class Trainer {
  private final Settings settings;
  private final ModelSetup setup;
  private final RankDevice device;
  private final RankContext context;
  private final ModelState state;
  private final RunCheckpoints checkpoints;
  private final Evaluator evaluator;
  private final TrainingReports reports;
  private final int lag;
  private final RuinWatch watch;
  private final Deque<int[]> inFlight = new ArrayDeque<>();

  private TrainingStep step;
  private long launched;
  private long committed;
  private long replaysRead;
  private int reruns;
  private boolean stopping;
  private boolean checkpointDue;

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
    this.state = state;
    this.checkpoints = checkpoints;
    this.evaluator = evaluator;
    this.reports = new TrainingReports(settings, setup, device, context, facts);
    this.lag = lag;
    this.watch = new RuinWatch(settings.schedule().maxSkippedUpdates());
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
        new RecordOptions(lag + 1, settings.monitor().recordRouting().isPresent()));
  }

  /**
   * Trains from the newest checkpoint, if there is one, to the last step or until a stop is
   * requested.
   *
   * @param batches opens this rank's batches from a step on
   * @throws RuinedModel on all ranks, without a checkpoint, if too many steps in a row made no
   *     update or the model is ruined in the end
   */
  public TrainingResult run(BatchOpener batches) {
    MDC.put("rank", Integer.toString(context.rank()));
    try {
      RunCheckpoints.Restored restored = checkpoints.restore(state);
      committed = restored.step();
      watch.restored(restored.soundness());
      launched = committed;
      replaysRead = step.replays();
      reports.started(committed, state, step);
      if (!watch.sound()) {
        reports.warning(committed, "the last steps before this checkpoint made no update");
      }
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

  private void train(BatchSource source) {
    long steps = settings.schedule().steps();
    if (committed == 0 && settings.schedule().evaluateEvery() > 0) {
      evaluate();
    }
    reports.stepBegins();
    while (committed < steps && !stopping) {
      long boundary = nextBoundary();
      while (launched < boundary && inFlight.size() <= lag) {
        launch(source.next());
      }
      settle(step.read(replaysRead), source);
      if (committed == boundary || stopping || watch.ruin().isPresent()) {
        drain(source);
        requireNotRuined();
        atBoundary();
      }
    }
  }

  private void requireNotRuined() {
    if (watch.ruin().isPresent()) {
      throw checkpoints.ruined(watch.ruin().get(), watch.soundness());
    }
  }

  /** The step after which the loop must stop launching: a checkpoint, an evaluation, or the end. */
  private long nextBoundary() {
    if (checkpointDue) {
      return committed + 1;
    }
    long boundary = settings.schedule().steps();
    boundary = Math.min(boundary, nextMultiple(stepsBetweenCheckpoints()));
    return Math.min(boundary, nextMultiple(settings.schedule().evaluateEvery()));
  }

  private long nextMultiple(long every) {
    return every > 0 ? (committed / every + 1) * every : Long.MAX_VALUE;
  }

  /** 0 if none are written. */
  private long stepsBetweenCheckpoints() {
    return settings.checkpoint().enabled() ? settings.checkpoint().everySteps() : 0;
  }

  private void launch(int[] tokens) {
    inFlight.add(tokens);
    replay(tokens);
    launched++;
  }

  private void replay(int[] tokens) {
    step.replay(tokens, context.stopRequested().getAsBoolean());
  }

  /** Takes the record of the oldest step in flight: commits it, or runs it again. */
  private void settle(StepRecord record, BatchSource source) {
    if (record.value(Field.OVERFLOW) != 0) {
      rerun(record);
      return;
    }
    replaysRead++;
    source.giveBack(inFlight.remove());
    committed++;
    MDC.put("step", Long.toString(committed));
    if (record.value(Field.STOP) != 0) {
      stopping = true;
    }
    reports.committed(record, step.rowCapacity(), reruns);
    watch.committed(committed, record);
    checkpoints.settled(watch.soundness());
    reruns = 0;
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
    reports.rerun(committed + 1, required, before, capacity);
    inFlight.forEach(this::replay);
  }

  /**
   * Settles everything in flight; what a stop request found already launched is trained, not lost.
   */
  private void drain(BatchSource source) {
    while (!inFlight.isEmpty()) {
      settle(step.read(replaysRead), source);
    }
  }

  private void atBoundary() {
    long steps = settings.schedule().steps();
    long every = stepsBetweenCheckpoints();
    boolean last = committed == steps;
    long evaluateEvery = settings.schedule().evaluateEvery();
    if (last || (evaluateEvery > 0 && committed % evaluateEvery == 0 && !stopping)) {
      evaluate();
    }
    if (last) {
      watch.ended(committed);
      requireNotRuined();
    }
    if (every > 0 && committed % every == 0) {
      if (!watch.sound() && !checkpointDue) {
        reports.warning(committed, "the checkpoint waits for a step that makes an update");
      }
      checkpointDue = true;
    }
    if (every > 0 && (last || stopping || (checkpointDue && watch.sound()))) {
      context.requireHeard(); // no checkpoint may be newer than the metrics
      checkpoints.save(state, committed, watch.soundness());
      checkpointDue = false;
      reports.saved(committed);
    }
    if (stopping && !last) {
      reports.interrupted(committed);
    }
    reports.stepBegins();
  }

  private void evaluate() {
    if (evaluator.sequences() > 0) {
      Evaluation evaluation = evaluator.evaluate(committed);
      reports.evaluated(evaluation);
      watch.evaluated(committed, evaluation.metrics().loss());
    }
  }
}
