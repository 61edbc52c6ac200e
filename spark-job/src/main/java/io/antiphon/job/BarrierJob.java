package io.antiphon.job;

import io.antiphon.conf.ConfigException;
import io.antiphon.cpu.BlasUnavailable;
import io.antiphon.cpu.Transport;
import io.antiphon.data.DataException;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.CommException;
import io.antiphon.train.checkpoint.CheckpointException;
import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/** Runs one task per rank in a barrier stage, all or nothing. */
final class BarrierJob {
  private static final Logger LOG = LoggerFactory.getLogger(BarrierJob.class);

  private BarrierJob() {}

  /**
   * Runs {@code task} on all ranks and waits.
   *
   * @return what the ranks answered, by rank
   */
  static <R extends Serializable> List<R> run(
      JavaSparkContext spark, int ranks, String attempt, Duration commTimeout, RankTask<R> task) {
    List<Integer> numbers = IntStream.range(0, ranks).boxed().toList();
    RDD<Integer> seats = spark.parallelize(numbers, ranks).rdd();
    ClassTag<R> anything = ClassTag$.MODULE$.apply(Object.class);
    RDD<R> answers =
        seats
            .barrier()
            .mapPartitions(new Body<>(ranks, attempt, commTimeout, task), false, anything);
    return new JavaRDD<>(answers, anything).collect();
  }

  /** One barrier task. Spark's barrier RDD has no Java interface, so this is a Scala function. */
  private static final class Body<R extends Serializable>
      extends AbstractFunction1<Iterator<Integer>, Iterator<R>> implements Serializable {
    private final int ranks;
    private final String attempt;
    private final Duration commTimeout;
    private final RankTask<R> task;

    Body(int ranks, String attempt, Duration commTimeout, RankTask<R> task) {
      this.ranks = ranks;
      this.attempt = attempt;
      this.commTimeout = commTimeout;
      this.task = task;
    }

    @Override
    public Iterator<R> apply(Iterator<Integer> ignored) {
      int rank = BarrierTaskContext.get().partitionId();
      UUID room = UUID.nameUUIDFromBytes(attempt.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      ProcessRanks process = ProcessRanks.enter(room, ranks, commTimeout);
      try {
        requireOneProcess(BarrierTaskContext.get().allGather(ProcessRanks.PROCESS.toString()));
        R answer = call(rank, process.thread(rank));
        return CollectionConverters.asScala(List.of(answer).iterator());
      } finally {
        ProcessRanks.leave(room);
      }
    }

    private static void requireOneProcess(String[] processes) {
      long distinct = Arrays.stream(processes).distinct().count();
      if (distinct > 1) {
        throw new CommException(
            "the ranks were placed in "
                + distinct
                + " executor processes; this version trains in one. Use a master of the form local[N]");
      }
    }

    @SuppressWarnings("CatchAndPrintStackTrace")
    private R call(int rank, Transport transport) {
      RankSeat seat =
          new RankSeat(
              transport,
              attempt,
              () -> rank == 0 && ask(new RankMessage.StopQuestion(attempt)),
              content -> tell(new RankMessage.Report(attempt, content)));
      try (transport) {
        R answer = task.call(seat);
        if (rank == 0) {
          tell(new RankMessage.End(attempt));
        }
        return answer;
      } catch (Exception | Error failure) {
        RankMessage.Failure described = describe(rank, failure);
        tell(described);
        if (!described.usersError() && !described.secondary()) {
          LOG.error("rank {} failed", rank, failure);
        }
        transport.abort("rank " + rank + " failed: " + failure.getMessage());
        if (described.usersError()) {
          throw new Refused(described.message());
        }
        throw failure instanceof RuntimeException unchecked
            ? unchecked
            : new IllegalStateException(failure);
      }
    }

    private RankMessage.Failure describe(int rank, Throwable failure) {
      if (failure instanceof OutOfMemoryError) {
        return new RankMessage.Failure(attempt, rank, true, false, outOfMemory(failure));
      }
      boolean usersError =
          failure instanceof ConfigException
              || failure instanceof DataException
              || failure instanceof CheckpointException
              || failure instanceof BlasUnavailable
              || failure instanceof Backend.OutOfMemory;
      boolean secondary =
          failure instanceof CommException || failure instanceof InterruptedException;
      String message = usersError ? String.valueOf(failure.getMessage()) : failure.toString();
      return new RankMessage.Failure(attempt, rank, usersError, secondary, message);
    }

    private static String outOfMemory(Throwable failure) {
      return "out of memory ("
          + failure.getMessage()
          + ", heap up to "
          + (Runtime.getRuntime().maxMemory() >> 20)
          + " MiB). Give the process more memory (ANTIPHON_MEMORY of submit/antiphon,"
          + " spark.executor-memory on a cluster), or lower schedule.micro-batch,"
          + " model.sequence-length or the model.";
    }

    private static void tell(RankMessage message) {
      try {
        AntiphonPlugin.channel().send(message);
      } catch (java.io.IOException e) {
        throw new CommException("the driver cannot be reached: " + e.getMessage());
      }
    }

    private static boolean ask(RankMessage message) {
      try {
        return (Boolean) AntiphonPlugin.channel().ask(message);
      } catch (Exception e) {
        throw new CommException("the driver does not answer: " + e.getMessage());
      }
    }
  }

  /**
   * Ends a task whose failure the user was told of. Without its cause: Spark would end the process
   * for a cause that is an OutOfMemoryError, and log the rest.
   */
  private static final class Refused extends RuntimeException {
    Refused(String message) {
      super(message, null, false, false);
    }
  }
}
