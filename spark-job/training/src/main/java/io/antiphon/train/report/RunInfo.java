package io.antiphon.train.report;

import java.time.Instant;

/**
 * The facts of one attempt to train a run; a resume or a restart begins a new attempt.
 *
 * @param name the run's name
 * @param ranks world size
 * @param expertParallel ranks that share one set of experts; divides {@code ranks}
 * @param experts experts per MoE layer; 0 for a dense model
 * @param topK experts per token; 0 for a dense model
 * @param layers transformer layers
 * @param slotsPerRank echo slots per rank; 0 where ECHO is off
 * @param planner name of the planner that fills the slots; empty where ECHO is off
 * @param steps updates the run shall have in the end
 * @param sequenceLength input tokens per sequence
 * @param globalBatch sequences per step
 * @param bytesPerToken mean UTF-8 bytes of text per target token; converts losses to bytes
 * @param backend what computes, as shown to the user: {@code cpu}, say
 * @param bigramLoss loss of the smoothed bigram model on the validation split, in nats per token;
 *     NaN where it was not measured
 * @param resumedStep step of the checkpoint this attempt continues from; 0 from scratch
 * @param startTime when this attempt began
 */
public record RunInfo(
    String name,
    int ranks,
    int expertParallel,
    int experts,
    int topK,
    int layers,
    int slotsPerRank,
    String planner,
    long steps,
    int sequenceLength,
    int globalBatch,
    double bytesPerToken,
    String backend,
    double bigramLoss,
    long resumedStep,
    Instant startTime)
    implements RunReport {

  private static final double BITS_PER_NAT = 1 / Math.log(2);

  public RunInfo {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a run needs a name");
    }
    if (ranks < 1 || expertParallel < 1 || ranks % expertParallel != 0) {
      throw new IllegalArgumentException(
          "expertParallel must divide ranks, were " + expertParallel + " and " + ranks);
    }
    if (experts < 0 || topK < 0 || topK > experts || slotsPerRank < 0) {
      throw new IllegalArgumentException(
          String.format(
              "need 0 <= topK <= experts and slotsPerRank >= 0, were %d, %d, %d",
              topK, experts, slotsPerRank));
    }
    if (layers < 1 || steps < 1 || sequenceLength < 1 || globalBatch < 1) {
      throw new IllegalArgumentException(
          String.format(
              "layers, steps, sequenceLength and globalBatch must be >= 1, were %d, %d, %d, %d",
              layers, steps, sequenceLength, globalBatch));
    }
    if (!(bytesPerToken > 0) || Double.isInfinite(bytesPerToken)) {
      throw new IllegalArgumentException("bytesPerToken must be > 0, was " + bytesPerToken);
    }
    if (resumedStep < 0) {
      throw new IllegalArgumentException("resumedStep must be >= 0, was " + resumedStep);
    }
  }

  /** Converts a loss in nats per token to nats per byte of text. */
  public double natsPerByte(double natsPerToken) {
    return natsPerToken / bytesPerToken;
  }

  /** Converts a loss in nats per token to bits per byte of text. */
  public double bitsPerByte(double natsPerToken) {
    return natsPerByte(natsPerToken) * BITS_PER_NAT;
  }

  @Override
  public void deliver(RunReports to) {
    to.started(this);
  }
}
