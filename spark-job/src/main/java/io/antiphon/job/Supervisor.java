package io.antiphon.job;

import io.antiphon.run.RankFailure;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs attempts of a run until one ends well. Spark never runs a failed barrier stage again, so
 * this does: as long as the failure may pass, and not more than a number of times without a new
 * checkpoint.
 */
final class Supervisor {
  private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);

  /** One submission of the run. */
  @FunctionalInterface
  interface Attempt<R> {
    /**
     * Runs from the newest checkpoint.
     *
     * @param restartReason why the attempt before failed; empty for the first
     */
    R run(String restartReason) throws InterruptedException;
  }

  private final int maxRestarts;
  private final LongSupplier newestCheckpoint;

  /**
   * @param maxRestarts restarts in a row that may pass without a new checkpoint
   * @param newestCheckpoint step of the newest checkpoint; grows with each
   */
  Supervisor(int maxRestarts, LongSupplier newestCheckpoint) {
    this.maxRestarts = maxRestarts;
    this.newestCheckpoint = newestCheckpoint;
  }

  /**
   * Runs to the end.
   *
   * @throws RankFailure if another attempt would be no use, or the limit is reached
   */
  <R> R run(Attempt<R> attempt) throws InterruptedException {
    int failures = 0;
    String restartReason = "";
    while (true) {
      long before = newestCheckpoint.getAsLong();
      try {
        return attempt.run(restartReason);
      } catch (RankFailure failure) {
        failures = newestCheckpoint.getAsLong() > before ? 1 : failures + 1;
        if (!failure.mayPass()) {
          throw failure;
        }
        if (failures > maxRestarts) {
          throw failure.after(maxRestarts);
        }
        restartReason = failure.reason();
        LOG.warn("restart {} of {}: {}", failures, maxRestarts, restartReason);
      }
    }
  }
}
