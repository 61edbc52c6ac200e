package io.antiphon.job.barrier;

import io.antiphon.run.RankFailure;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.scheduler.BarrierJobSlotsNumberCheckFailed;
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

  /** Spark's error condition for a barrier stage with dynamic allocation. */
  private static final String DYNAMIC_ALLOCATION = "SPARK-24942";

  /** What Spark says, on any cluster, of an application that it has ended. */
  private static final Pattern ENDED =
      Pattern.compile(
          "(Master removed our application(?:: \\w+)?"
              + "|SparkContext was shut down|stopped SparkContext)");

  private FailureReason() {}

  /**
   * The reason of a failed attempt.
   *
   * @param failure what Spark threw
   * @param reported what the ranks said, the causes first
   * @param slots task slots that the attempt needed
   * @param over whether the application has ended, so that no other attempt can be made in it
   */
  static RankFailure of(
      Exception failure, List<RankMessage.Failure> reported, int slots, boolean over) {
    if (failure instanceof ApplicationWatch.ApplicationLost) {
      return RankFailure.lasting(String.valueOf(failure.getMessage()), failure);
    }
    RankMessage.Cause cause = reported.isEmpty() ? RankMessage.Cause.PEER : reported.get(0).cause();
    if (cause == RankMessage.Cause.USER
        || cause == RankMessage.Cause.MODEL
        || cause == RankMessage.Cause.DRIVER) {
      return of(reported.get(0), failure);
    }
    String spark = String.valueOf(failure.getMessage());
    if (over || ENDED.matcher(spark).find()) {
      return RankFailure.lasting(
          "the application is over: the cluster manager removed it, or somebody ended it ("
              + firstOf(spark, ENDED, FAILED_TASK, FIRST_LINE)
              + "); run the command again, it continues from the newest checkpoint",
          failure);
    }
    if (cause == RankMessage.Cause.OTHER) {
      return of(reported.get(0), failure);
    }
    if (spark.contains(TOO_FEW_SLOTS)) {
      return RankFailure.forUser(
          "the cluster did not offer "
              + slots
              + " task slots at once"
              + there(failure)
              + " (executors x cores / spark.task.cpus); give the application"
              + " more executors or cores, or lower parallelism.ranks",
          failure);
    }
    if (spark.contains(DYNAMIC_ALLOCATION)) {
      return RankFailure.forUser(
          "Spark does not run ranks with dynamic allocation, which must all run at once; add"
              + " --conf spark.dynamicAllocation.enabled=false to spark-submit",
          failure);
    }
    Matcher lost = LOST_EXECUTOR.matcher(spark);
    if (lost.find()) {
      return RankFailure.passing(lost.group(1) + " was lost: " + lost.group(2), failure);
    }
    if (!reported.isEmpty()) {
      return RankFailure.passing(reported.get(0).message(), failure);
    }
    return RankFailure.passing(firstOf(spark, FAILED_TASK, FIRST_LINE), failure);
  }

  /** How many slots Spark counted, as far as it says. */
  private static String there(Exception failure) {
    return failure instanceof BarrierJobSlotsNumberCheckFailed counted
        ? ", it has " + counted.maxConcurrentTasks()
        : "";
  }

  /** The first group of the first pattern that is in the text. */
  private static String firstOf(String text, Pattern... patterns) {
    for (Pattern pattern : patterns) {
      Matcher matcher = pattern.matcher(text);
      if (matcher.find()) {
        return matcher.group(1);
      }
    }
    return text;
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
