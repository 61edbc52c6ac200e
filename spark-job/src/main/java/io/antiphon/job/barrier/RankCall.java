package io.antiphon.job.barrier;

import io.antiphon.conf.Settings;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** Runs a short task on all ranks of a barrier job, once: what fails is not tried again. */
public final class RankCall {
  private static final Duration LAST_MESSAGES = Duration.ofSeconds(30);

  private RankCall() {}

  /**
   * Runs {@code task} on every rank.
   *
   * @param messages takes what rank 0 tells the driver, in order
   * @return what rank 0 answered
   * @throws RankFailure if a rank failed
   */
  public static <R extends Serializable> R run(
      SparkSession spark, Settings settings, RankTask<R> task, Consumer<Serializable> messages)
      throws InterruptedException {
    UUID attempt = UUID.randomUUID();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    try (DriverMailbox mailbox = DriverMailbox.open(attempt, messages, () -> false)) {
      try {
        int ranks = settings.parallelism().ranks();
        Duration timeout = settings.spark().commTimeout();
        List<R> answers =
            ApplicationWatch.call(
                spark.sparkContext()::isStopped,
                () ->
                    BarrierJob.run(
                        context,
                        ranks,
                        attempt,
                        timeout,
                        GpuRequest.of(spark.sparkContext(), settings),
                        task),
                new SlotWait(spark.sparkContext(), ranks, mailbox, () -> false));
        mailbox.awaitEnd(LAST_MESSAGES);
        return answers.get(0);
      } catch (InterruptedException stop) {
        throw stop;
      } catch (Exception e) { // Scala code throws checked exceptions undeclared
        throw RankFailure.of(
            FailureReason.of(e, mailbox.failures(), settings.parallelism().ranks()));
      }
    }
  }
}
