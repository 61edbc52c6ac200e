package io.antiphon.job;

import java.io.Serializable;

/** What a rank sends to the driver. */
sealed interface RankMessage extends Serializable {
  /** Attempt the rank belongs to. */
  String attempt();

  /** A report for the listener of the run. */
  record Report(String attempt, Serializable content) implements RankMessage {}

  /** The question whether the run shall stop; answered with a Boolean. */
  record StopQuestion(String attempt) implements RankMessage {}

  /**
   * Why a rank failed.
   *
   * @param usersError whether settings, data or a checkpoint are at fault, so that trying again is
   *     no use
   * @param secondary whether the rank failed only because another one did
   */
  record Failure(String attempt, int rank, boolean usersError, boolean secondary, String message)
      implements RankMessage {}

  /** Rank 0 has sent everything it will send. */
  record End(String attempt) implements RankMessage {}
}
