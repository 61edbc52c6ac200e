package io.antiphon.job.barrier;

import io.antiphon.run.RankFailure;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Why an attempt failed, in one line, from what the ranks and what Spark say. */
final class FailureReason {
  private static final Logger LOG = LoggerFactory.getLogger(FailureReason.class);

  private static final Pattern LOST_EXECUTOR =
      Pattern.compile("ExecutorLostFailure \\((executor \\S+) [^)]*\\) Reason: ([^\\n]*)");
  private static final Pattern FAILED_TASK =
      Pattern.compile("barrier task \\S+ \\S+ finished unsuccessfully\\.\\s+([^\\n]+)");
  private static final Pattern FIRST_LINE =
      Pattern.compile("(?:Job aborted due to stage failure: )?([^\\n]*)");

  /** Spark's error condition for a barrier stage with more tasks than the cluster has slots. */
  private static final String TOO_FEW_SLOTS = "SPARK-24819";

  private FailureReason() {}

  /**
   * The reason of a failed attempt.
   *
   * @param failure what Spark threw
   * @param reported what the ranks said, the causes first
   * @param slots task slots that the attempt needed
   */
  static RankFailure of(Exception failure, List<RankMessage.Failure> reported, int slots) {
    if (failure instanceof ApplicationWatch.ApplicationLost) {
      return RankFailure.lasting(String.valueOf(failure.getMessage()), failure);
    }
    if (!reported.isEmpty() && reported.get(0).cause() != RankMessage.Cause.PEER) {
      return of(reported.get(0), failure);
    }
    String spark = String.valueOf(failure.getMessage());
    if (spark.contains(TOO_FEW_SLOTS)) {
      return RankFailure.forUser(
          "the cluster did not offer "
              + slots
              + " task slots at once (executors x cores / spark.task.cpus); give the application"
              + " more executors or cores, or lower parallelism.ranks",
          failure);
    }
    Matcher lost = LOST_EXECUTOR.matcher(spark);
    if (lost.find()) {
      return RankFailure.passing(lost.group(1) + " was lost: " + lost.group(2), failure);
    }
    if (!reported.isEmpty()) {
      return RankFailure.passing(reported.get(0).message(), failure);
    }
    for (Pattern pattern : List.of(FAILED_TASK, FIRST_LINE)) {
      Matcher matcher = pattern.matcher(spark);
      if (matcher.find()) {
        return RankFailure.passing(matcher.group(1), failure);
      }
    }
    return RankFailure.passing(spark, failure);
  }

  /**
   * The reason of an attempt that ended because the driver could not take what it reported. Another
   * attempt would fail at the same place.
   */
  static RankFailure undelivered(Throwable failure) {
    if (failure instanceof UncheckedIOException) {
      return RankFailure.lasting(
          failure.getMessage()
              + "; the run ended, because what it does could not be recorded. Mend this and run the"
              + " command again: it continues from the newest checkpoint",
          failure);
    }
    LOG.error("what the run reported could not be taken", failure);
    return RankFailure.lasting("what the run reported could not be taken: " + failure, failure);
  }

  private static RankFailure of(RankMessage.Failure first, Exception failure) {
    String reason = "rank " + first.rank() + ": " + first.message();
    return switch (first.cause()) {
      case USER -> RankFailure.forUser(first.message(), failure);
      case MODEL -> RankFailure.lasting(first.message(), failure);
      case DRIVER ->
          RankFailure.lasting(
              reason + "; run the command again, it continues from the newest checkpoint", failure);
      case PEER, OTHER -> RankFailure.passing(reason, failure);
    };
  }
}
