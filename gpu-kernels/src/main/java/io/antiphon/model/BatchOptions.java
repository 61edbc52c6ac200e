package io.antiphon.model;

/**
 * How a global batch is cut up.
 *
 * @param globalBatch sequences of one step over all ranks
 * @param microBatch sequences that one rank computes at a time
 * @param microBatches micro-batches of one rank in a step
 * @param sequenceLength tokens of a sequence
 */
public record BatchOptions(int globalBatch, int microBatch, int microBatches, int sequenceLength) {
  /** Tokens of one micro-batch of one rank. */
  public int tokens() {
    return Math.multiplyExact(microBatch, sequenceLength);
  }

  /** Tokens of a step over all ranks. */
  public long globalTokens() {
    return (long) globalBatch * sequenceLength;
  }
}
