package io.antiphon.job;

import java.io.Serializable;
import java.util.UUID;

/** What a rank sends to the driver. */
sealed interface RankMessage extends Serializable {
  /** Attempt the rank belongs to. */
  UUID attempt();

  /** A report for the listener of the run. */
  record Report(UUID attempt, Serializable content) implements RankMessage {}

  /** The question whether the run shall stop; answered with a Boolean. */
  record StopQuestion(UUID attempt) implements RankMessage {}

  /**
   * Why a rank failed; answered, so that the rank knows that it was heard.
   *
   * @param usersError whether settings, data or a checkpoint are at fault, so that trying again is
   *     no use
   * @param secondary whether the rank failed only because another one did
   */
  record Failure(UUID attempt, int rank, boolean usersError, boolean secondary, String message)
      implements RankMessage {}

  /** Rank 0 has sent everything it will send. */
  record End(UUID attempt) implements RankMessage {}
}
