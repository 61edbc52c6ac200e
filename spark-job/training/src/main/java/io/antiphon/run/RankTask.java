package io.antiphon.run;

import java.io.Serializable;

/**
 * What each rank of a run does; travels to the ranks.
 *
 * @param <R> what a rank answers
 */
@FunctionalInterface
public interface RankTask<R extends Serializable> extends Serializable {
  /**
   * Runs on the rank that sits on {@code seat}; whatever it throws ends the attempt on all ranks.
   */
  R call(RankSeat seat) throws Exception;

  /** Whether another attempt goes on from what a failed one left, so that it is worth trying. */
  default boolean resumes() {
    return false;
  }
}
