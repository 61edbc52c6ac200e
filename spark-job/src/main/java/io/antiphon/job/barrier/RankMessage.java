package io.antiphon.job.barrier;

import io.antiphon.train.report.RunReport;
import java.io.Serializable;
import java.util.UUID;

/** What a rank sends to the driver. */
sealed interface RankMessage extends Serializable {
  /** Attempt the rank belongs to. */
  UUID attempt();

  /** A report for the listener of the run. */
  record Report(UUID attempt, RunReport content) implements RankMessage {}

  /** The question whether the run shall stop; answered after everything that was sent before. */
  record StopQuestion(UUID attempt) implements RankMessage {}

  /** What the driver answers. */
  enum Answer {
    /** The run goes on. */
    GO_ON,
    /** The user wants the run to end after this step, with a checkpoint. */
    STOP,
    /** Nobody takes what this attempt does any more: it must end without a checkpoint. */
    GIVE_UP
  }

  /** What made a rank fail. */
  enum Cause {
    /** Settings, data or a checkpoint: trying again is no use. */
    USER,
    /** The driver's process, in which the rank ran, lost its GPU: trying again there is no use. */
    DRIVER,
    /** The model that all ranks train: trying again gives the same. */
    MODEL,
    /** Another rank that failed. */
    PEER,
    /** Anything else, which may pass. */
    OTHER
  }

  /** Why a rank failed; answered, so that the rank knows that it was heard. */
  record Failure(UUID attempt, int rank, Cause cause, String message) implements RankMessage {}

  /** Rank 0 has sent everything it will send. */
  record End(UUID attempt) implements RankMessage {}
}
