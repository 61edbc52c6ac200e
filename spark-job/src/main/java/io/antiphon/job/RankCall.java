package io.antiphon.job;

import io.antiphon.conf.Settings;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Runs a short task on all ranks of a barrier job, once: what fails is not tried again. */
final class RankCall {
  private static final Duration LAST_MESSAGES = Duration.ofSeconds(30);

  private RankCall() {}

  /**
   * Runs {@code task} on every rank.
   *
   * @param messages takes what rank 0 tells the driver, in order
   * @return what rank 0 answered
   * @throws RankFailure if a rank failed
   */
  static <R extends Serializable> R run(
      SparkSession spark, Settings settings, RankTask<R> task, Consumer<Serializable> messages)
      throws InterruptedException {
    String attempt = UUID.randomUUID().toString();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    try (DriverMailbox mailbox = DriverMailbox.open(attempt, messages, () -> false)) {
      try {
        int ranks = settings.parallelism().ranks();
        Duration timeout = settings.spark().commTimeout();
        List<R> answers = BarrierJob.run(context, ranks, attempt, timeout, task);
        mailbox.awaitEnd(LAST_MESSAGES);
        return answers.get(0);
      } catch (InterruptedException stop) {
        throw stop;
      } catch (Exception e) { // Scala code throws checked exceptions undeclared
        List<RankMessage.Failure> failures = mailbox.failures();
        if (failures.isEmpty()) {
          throw new RankFailure(
              String.valueOf(e.getMessage()).lines().findFirst().orElse(""), false);
        }
        RankMessage.Failure first = failures.get(0);
        String who = first.usersError() ? "" : "rank " + first.rank() + ": ";
        throw new RankFailure(who + first.message(), first.usersError());
      }
    }
  }
}
