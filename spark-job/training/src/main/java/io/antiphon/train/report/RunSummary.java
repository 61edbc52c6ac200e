package io.antiphon.train.report;

import java.io.Serializable;

/**
 * The result of a run in a few numbers. NaN stands for what the run did not measure.
 *
 * @param steps updates done
 * @param bytesPerToken mean bytes of text per target token
 * @param trainLossPerToken mean loss of the last tenth of the steps, in nats per token
 * @param validationLossPerToken loss of the last evaluation, in nats per token
 * @param bigramLossPerToken loss of the bigram baseline, in nats per token
 * @param tokensPerSecond median over the steps
 * @param loadBefore max/mean rank load before planning, mean over the last half of the steps and
 *     the MoE layers
 * @param loadAfter the same after planning
 * @param loadBeforePercentiles percentiles over the MoE layers of max/mean rank load before
 *     planning, each its mean over the last half, but {@code max} the largest of all
 * @param loadAfterPercentiles the same after planning
 * @param expertSpread least, most and standard deviation of the assignments of an expert, in
 *     multiples of the mean, averaged over the MoE layers and the last half
 * @param clonesPerStep echo slots in use per step over all MoE layers, mean over the last half
 * @param weightBytesSaved weights of clones that need not be sent, summed over the steps
 * @param reruns step executions that were repeated with more row capacity
 * @param skippedUpdates updates skipped for a gradient that was not finite
 * @param restarts recoveries from a failure
 * @param seconds time spent in steps
 * @param backend what computed
 * @param cudaCallsPerStep calls of CUDA's functions that rank 0 made per step, median over the last
 *     half; NaN on the CPU
 * @param outcome how the run ended
 */
public record RunSummary(
    long steps,
    double bytesPerToken,
    double trainLossPerToken,
    double validationLossPerToken,
    double bigramLossPerToken,
    double tokensPerSecond,
    double loadBefore,
    double loadAfter,
    Percentiles loadBeforePercentiles,
    Percentiles loadAfterPercentiles,
    CountSpread expertSpread,
    double clonesPerStep,
    long weightBytesSaved,
    long reruns,
    long skippedUpdates,
    int restarts,
    double seconds,
    String backend,
    double cudaCallsPerStep,
    Outcome outcome)
    implements Serializable {

  /** How a run ended. */
  public enum Outcome {
    /** It is not over, as far as its metrics tell. */
    RUNNING,
    /** All steps are done. */
    COMPLETED,
    /** The user stopped it; it can be resumed. */
    INTERRUPTED,
    /** It gave up. */
    FAILED
  }

  public RunSummary {
    if (steps < 0 || reruns < 0 || skippedUpdates < 0 || restarts < 0 || !(seconds >= 0)) {
      throw new IllegalArgumentException(
          String.format(
              "counts and seconds must be >= 0, were %d, %d, %d, %d, %s",
              steps, reruns, skippedUpdates, restarts, seconds));
    }
    if (!(bytesPerToken > 0)) {
      throw new IllegalArgumentException("bytesPerToken must be > 0, was " + bytesPerToken);
    }
  }

  /** Training loss in nats per byte of text. */
  public double trainLoss() {
    return trainLossPerToken / bytesPerToken;
  }

  /** Validation loss in nats per byte of text. */
  public double validationLoss() {
    return validationLossPerToken / bytesPerToken;
  }

  /** Loss of the bigram baseline in nats per byte of text. */
  public double bigramLoss() {
    return bigramLossPerToken / bytesPerToken;
  }
}
