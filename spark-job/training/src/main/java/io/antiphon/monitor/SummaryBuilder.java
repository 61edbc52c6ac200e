package io.antiphon.monitor;

import io.antiphon.train.report.CountSpread;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.Percentiles;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** Boils the history of a run down to its {@link RunSummary}. */
final class SummaryBuilder implements RunListener {

  /** What the summary needs of a step, so that the per-layer loads can be dropped. */
  private record Step(
      double loss,
      double tokensPerSecond,
      double loadBefore,
      double loadAfter,
      Percentiles before,
      Percentiles after,
      CountSpread experts,
      long clones,
      double cudaCalls) {}

  private final List<Step> history = new ArrayList<>();
  private @Nullable RunInfo info;
  private RunSummary.Outcome outcome = RunSummary.Outcome.RUNNING;
  private long lastStep;
  private double validationLoss = Double.NaN;
  private long weightBytesSaved;
  private long reruns;
  private long skippedUpdates;
  private int restarts;
  private double seconds;

  @Override
  public void started(RunInfo info) {
    this.info = info;
    outcome = RunSummary.Outcome.RUNNING;
    lastStep = Math.max(lastStep, info.resumedStep());
  }

  @Override
  public void step(StepMetrics metrics) {
    history.add(
        new Step(
            metrics.loss(),
            metrics.tokensPerSecond(),
            metrics.loadBefore(),
            metrics.loadAfter(),
            metrics.loadBeforePercentiles(),
            metrics.loadAfterPercentiles(),
            metrics.expertSpread(),
            metrics.clones(),
            metrics.cudaCalls().isEmpty() ? Double.NaN : metrics.cudaCallsInAll()));
    lastStep = metrics.step();
    weightBytesSaved += metrics.weightBytesSaved();
    reruns += metrics.reruns();
    skippedUpdates = metrics.skippedUpdates();
    seconds += metrics.seconds();
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    validationLoss = metrics.loss();
  }

  @Override
  public void event(RunEvent event) {
    if (event.kind() == RunEvent.Kind.RESTART) {
      restarts++;
    }
  }

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    this.outcome = outcome;
  }

  /** Updates done so far. */
  long lastStep() {
    return lastStep;
  }

  /**
   * The summary of what was heard so far.
   *
   * @throws IllegalStateException if no run was started
   */
  RunSummary summary() {
    if (info == null) {
      throw new IllegalStateException("there is no summary of a run that never started");
    }
    List<Step> tenth = last(10);
    List<Step> half = last(2);
    return new RunSummary(
        lastStep,
        info.bytesPerToken(),
        mean(tenth, Step::loss),
        validationLoss,
        info.bigramLoss(),
        median(history, Step::tokensPerSecond),
        mean(half, Step::loadBefore),
        mean(half, Step::loadAfter),
        percentiles(half, Step::before),
        percentiles(half, Step::after),
        new CountSpread(
            mean(half, step -> step.experts().min()),
            mean(half, step -> step.experts().max()),
            mean(half, step -> step.experts().std())),
        mean(half, Step::clones),
        weightBytesSaved,
        reruns,
        skippedUpdates,
        restarts,
        seconds,
        info.backend(),
        median(half, Step::cudaCalls),
        outcome);
  }

  /** The last {@code 1/part} of the steps, rounded up. */
  private List<Step> last(int part) {
    int size = history.size();
    return history.subList(size - (size + part - 1) / part, size);
  }

  /** Mean of the finite values: a diverged step shows in the curve, not as a missing summary. */
  private static double mean(List<Step> steps, ToDoubleFunction<Step> value) {
    return steps.stream().mapToDouble(value).filter(Double::isFinite).average().orElse(Double.NaN);
  }

  /**
   * Means of the percentiles, but the largest maximum: the worst case must not be averaged away.
   */
  private static Percentiles percentiles(List<Step> steps, Function<Step, Percentiles> of) {
    return new Percentiles(
        mean(steps, step -> of.apply(step).p50()),
        mean(steps, step -> of.apply(step).p90()),
        mean(steps, step -> of.apply(step).p99()),
        steps.stream()
            .mapToDouble(step -> of.apply(step).max())
            .filter(Double::isFinite)
            .max()
            .orElse(Double.NaN));
  }

  private static double median(List<Step> steps, ToDoubleFunction<Step> value) {
    double[] sorted = steps.stream().mapToDouble(value).filter(Double::isFinite).sorted().toArray();
    if (sorted.length == 0) {
      return Double.NaN;
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : Arrays.stream(sorted, middle - 1, middle + 1).average().orElseThrow();
  }
}
