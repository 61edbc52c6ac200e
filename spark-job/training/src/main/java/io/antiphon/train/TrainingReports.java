package io.antiphon.train;

import io.antiphon.conf.Settings;
import io.antiphon.model.ModelState;
import io.antiphon.model.StepRecord;
import io.antiphon.model.StepRecord.Field;
import io.antiphon.model.TrainingStep;
import io.antiphon.train.report.RoutedCounts;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunReport;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the watchers of a run what the training loop does: the loop of rank 0, and nothing from the
 * other ranks. Measures the time and the CUDA calls of each step.
 */
final class TrainingReports {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingReports.class);
  private static final double SHORTEST_STEP_SECONDS = 1e-9;

  private final Settings settings;
  private final ModelSetup setup;
  private final RankDevice device;
  private final Consumer<RunReport> reports;
  private final RunFacts facts;
  private final boolean silent;
  private long stepStarted;
  private Map<String, Long> knownCalls = Map.of();

  TrainingReports(
      Settings settings, ModelSetup setup, RankDevice device, RankContext context, RunFacts facts) {
    this.settings = settings;
    this.setup = setup;
    this.device = device;
    this.reports = context.reports();
    this.facts = facts;
    this.silent = context.rank() != 0;
  }

  /** The loop begins after {@code committed} steps. */
  void started(long committed, ModelState state, TrainingStep step) {
    if (silent) {
      return;
    }
    reports.accept(facts.info(settings, setup, device, committed, Instant.now()));
    LOG.info(
        "{}; state: {}; activations: {}",
        device.backend().description(),
        state.memoryPlan(),
        step.memoryPlan());
  }

  /** Time and CUDA calls from here on are those of the next step. */
  void stepBegins() {
    stepStarted = System.nanoTime();
    knownCalls = device.cudaCalls();
  }

  /**
   * A step was committed.
   *
   * @param rowCapacity rows that the buffers held
   * @param reruns how often the step ran before with too few rows
   */
  void committed(StepRecord record, long rowCapacity, int reruns) {
    if (!silent) {
      long step = (long) record.value(Field.STEPS);
      routing(record, step);
      double seconds = (System.nanoTime() - stepStarted) / 1e9;
      reports.accept(
          StepReport.of(
              record,
              setup,
              device.groups(),
              rowCapacity,
              Math.max(SHORTEST_STEP_SECONDS, seconds),
              reruns,
              newCudaCalls()));
      if (record.value(Field.APPLIED) == 0) {
        String message = "the gradient of step " + step + " was not finite; no update";
        reports.accept(new RunEvent(RunEvent.Kind.SKIPPED_UPDATE, step, message));
      }
    }
    stepStarted = System.nanoTime();
  }

  private void routing(StepRecord record, long step) {
    int microBatches = record.recordedMicroBatches();
    int moeLayers = microBatches == 0 ? 0 : setup.model().moeLayers();
    int denseLayers = setup.model().layers() - moeLayers;
    for (int layer = 0; layer < moeLayers; layer++) {
      for (int group = 0; group < record.expertGroups(); group++) {
        int[][] counts = new int[microBatches][];
        for (int microBatch = 0; microBatch < microBatches; microBatch++) {
          counts[microBatch] = record.routing(group, layer, microBatch);
        }
        reports.accept(
            new RoutedCounts(
                step,
                denseLayers + layer,
                group,
                device.groups().experts().ranks(),
                setup.model().moe().experts(),
                counts));
      }
    }
  }

  /** Calls by name, since this was last asked. */
  private Map<String, Long> newCudaCalls() {
    Map<String, Long> all = device.cudaCalls();
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

  /** A step did not fit its row buffers and runs again with larger ones. */
  void rerun(long step, long required, long before, long capacity) {
    if (!silent) {
      String message =
          "step %d needed %d rows on a rank, the buffers hold %d; running it again with %d"
              .formatted(step, required, before, capacity);
      LOG.info("{}", message);
      reports.accept(new RunEvent(RunEvent.Kind.RERUN, step - 1, message));
    }
  }

  /** The validation loss was measured. */
  void evaluated(Evaluation evaluation) {
    if (!silent) {
      reports.accept(evaluation.metrics());
    }
  }

  /** Something that the user should know happened after {@code step} steps. */
  void warning(long step, String message) {
    if (!silent) {
      reports.accept(new RunEvent(RunEvent.Kind.WARNING, step, message));
    }
  }

  /** A checkpoint after {@code step} steps is complete. */
  void saved(long step) {
    if (!silent) {
      reports.accept(new RunEvent(RunEvent.Kind.CHECKPOINT, step, "step " + step));
    }
  }

  /** The user ended the run after {@code step} steps. */
  void interrupted(long step) {
    if (!silent) {
      reports.accept(new RunEvent(RunEvent.Kind.INTERRUPTED, step, "stopped by the user"));
    }
  }
}
