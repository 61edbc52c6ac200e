package io.antiphon.job.barrier;

import io.antiphon.conf.Settings;
import io.antiphon.run.RankFailure;
import io.antiphon.run.RankTask;
import io.antiphon.train.report.RunReport;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a task on all ranks of a barrier job. */
public final class RankCall {
  private static final Duration LAST_MESSAGES = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(RankCall.class);

  private RankCall() {}

  /**
   * Waits until the cluster has once offered places to all ranks at the same time. What fails for
   * another reason is left to the ranks, which may be started again.
   *
   * @param meanwhile called about every second; may throw to give up
   * @throws RankFailure if the cluster has too few places for as long as Spark waits for them, or
   *     ends the application
   */
  public static void awaitSlots(SparkSession spark, Settings settings, Runnable meanwhile)
      throws InterruptedException {
    int ranks = settings.parallelism().ranks();
    SparkContext context = spark.sparkContext();
    SlotWait waiting = new SlotWait(context, ranks, () -> false, () -> false);
    try {
      ApplicationWatch.call(
          context::isStopped,
          () -> {
            BarrierJob.fill(
                JavaSparkContext.fromSparkContext(context),
                ranks,
                GpuRequest.of(context, settings));
            return ranks;
          },
          () -> {
            meanwhile.run();
            waiting.run();
          });
    } catch (InterruptedException | RankFailure end) {
      throw end;
    } catch (Exception e) { // Scala code throws checked exceptions undeclared
      RankFailure failure = FailureReason.of(e, List.of(), ranks, context.isStopped());
      if (!failure.mayPass()) {
        throw failure;
      }
      LOG.warn("while waiting for {} task slots at once: {}", ranks, failure.reason());
    }
  }

  /**
   * Runs {@code task} on every rank; another attempt may follow.
   *
   * @param messages takes what rank 0 tells the driver, in order
   * @param stopRequested whether the user wants the ranks to stop
   * @param meanwhile called about every second until the ranks are done; may throw to give them up
   * @return what rank 0 answered
   * @throws CancellationException if the user wants to stop before the ranks have begun
   * @throws RankFailure if a rank failed
   */
  public static <R extends Serializable> R attempt(
      SparkSession spark,
      Settings settings,
      RankTask<R> task,
      Consumer<RunReport> messages,
      BooleanSupplier stopRequested,
      Runnable meanwhile)
      throws InterruptedException {
    UUID attempt = UUID.randomUUID();
    int ranks = settings.parallelism().ranks();
    Duration timeout = settings.spark().commTimeout();
    SparkContext context = spark.sparkContext();
    try (DriverMailbox mailbox = DriverMailbox.open(attempt, messages, stopRequested)) {
      SlotWait slots = new SlotWait(context, ranks, mailbox::heard, stopRequested);
      try {
        List<R> answers =
            ApplicationWatch.call(
                context::isStopped,
                () ->
                    BarrierJob.run(
                        JavaSparkContext.fromSparkContext(context),
                        ranks,
                        attempt,
                        timeout,
                        GpuRequest.of(context, settings),
                        task),
                () -> {
                  meanwhile.run();
                  slots.run();
                });
        mailbox.awaitEnd(LAST_MESSAGES);
        requireDelivered(mailbox);
        return answers.get(0);
      } catch (InterruptedException | CancellationException | RankFailure end) {
        throw end;
      } catch (Exception e) { // Scala code throws checked exceptions undeclared
        requireDelivered(mailbox); // what ranks say then only followed
        throw FailureReason.of(e, mailbox.failures(), ranks, context.isStopped());
      }
    }
  }

  private static void requireDelivered(DriverMailbox mailbox) {
    Optional<Throwable> undelivered = mailbox.undelivered();
    if (undelivered.isPresent()) {
      throw FailureReason.undelivered(undelivered.get());
    }
  }
}
