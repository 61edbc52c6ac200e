package io.antiphon.job.barrier;

import java.io.Serializable;

/**
 * What one rank does in a barrier task.
 *
 * @param <R> what it answers
 */
@FunctionalInterface
public interface RankTask<R extends Serializable> extends Serializable {
  /**
   * Runs on the rank that sits on {@code seat}; whatever it throws ends the attempt on all ranks.
   */
  R call(RankSeat seat) throws Exception;
}
