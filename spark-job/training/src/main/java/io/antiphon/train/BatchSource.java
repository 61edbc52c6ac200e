package io.antiphon.train;

/** One rank's batches, step after step. */
public interface BatchSource extends AutoCloseable {

  /** The 0-based step whose batch {@link #next} returns; what a checkpoint stores to resume. */
  long step();

  /**
   * Returns the batch of {@link #step()} and moves on, waiting until it was read.
   *
   * @return {@code [microBatches, sequences per micro-batch, L + 1]}; the caller's until {@link
   *     #giveBack}
   */
  int[] next();

  /** Takes back a batch that {@link #next} returned, to be filled again. */
  void giveBack(int[] batch);

  @Override
  void close();
}
