package io.antiphon.conf;

/**
 * How long to train, and in which batches.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code schedule}.
 */
public record Schedule(
    @Key(
            doc = "Updates of the whole run",
            megatron = "--train-iters",
            min = 1,
            example = "10000",
            resume = Resume.MAY_GROW)
        long steps,
    @Key(
            doc = "Updates over which the learning rate rises from zero",
            megatron = "--lr-warmup-iters",
            min = 0,
            example = "500")
        long warmupSteps,
    @Key(
            doc = "Sequences per update, whatever the number of ranks",
            megatron = "--global-batch-size",
            min = 1,
            example = "256",
            unit = "sequences")
        int globalBatch,
    @Key(
            doc = "Sequences a rank computes at once",
            megatron = "--micro-batch-size",
            min = 1,
            example = "4",
            unit = "sequences per rank",
            resume = Resume.FREE)
        int microBatch,
    @Key(
            doc = "Updates between evaluations; 0: only at the end",
            megatron = "--eval-interval",
            byDefault = "0",
            min = 0,
            unit = "steps",
            resume = Resume.FREE)
        long evaluateEvery,
    @Key(
            doc =
                "Updates skipped in a row, because loss or gradient was not finite, after which the"
                    + " run fails; 0: never",
            byDefault = "20",
            min = 0,
            unit = "steps",
            resume = Resume.FREE)
        int maxSkippedUpdates) {

  /** Checks the limits of every key. */
  public Schedule {
    Limits.require(
        Schedule.class,
        steps,
        warmupSteps,
        globalBatch,
        microBatch,
        evaluateEvery,
        maxSkippedUpdates);
  }

  /**
   * Micro-batches each rank accumulates per update.
   *
   * @param ranks all ranks of the run; valid settings make the division exact
   */
  public int microBatches(int ranks) {
    return Math.toIntExact(globalBatch / ((long) microBatch * ranks));
  }
}
