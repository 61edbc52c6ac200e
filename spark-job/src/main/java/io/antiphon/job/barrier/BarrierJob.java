package io.antiphon.job.barrier;

import io.antiphon.device.DeviceException;
import io.antiphon.job.transport.ExecutorTransport;
import io.antiphon.job.transport.Placement;
import io.antiphon.job.transport.ProcessRanks;
import io.antiphon.job.transport.RankPlaces;
import io.antiphon.job.transport.Wire;
import io.antiphon.run.LostGpu;
import io.antiphon.run.RankSeat;
import io.antiphon.run.RankTask;
import io.antiphon.run.UserErrors;
import io.antiphon.tensor.CommException;
import io.antiphon.train.RuinedModel;
import io.antiphon.transport.Transport;
import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.util.TaskInterruptListener;
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
   * @param attempt sets this submission apart from all others
   * @param resources what each task asks of its executor; empty for the application's own
   * @return what the ranks answered, by rank
   */
  static <R extends Serializable> List<R> run(
      JavaSparkContext spark,
      int ranks,
      UUID attempt,
      Duration commTimeout,
      Optional<ResourceProfile> resources,
      RankTask<R> task) {
    RDD<Integer> seats = seats(spark, ranks, resources);
    ClassTag<Answer<R>> anything = ClassTag$.MODULE$.apply(Object.class);
    RDD<Answer<R>> answers =
        seats
            .barrier()
            .mapPartitions(new Body<>(ranks, attempt, commTimeout, task), false, anything);
    return new JavaRDD<>(answers, anything)
        .collect().stream().sorted(Comparator.comparing(Answer::rank)).map(Answer::value).toList();
  }

  /**
   * Runs tasks that do nothing in places like those of ranks, all at once, and waits. Spark counts
   * the places as it does for ranks, executors that still start included.
   */
  static void fill(JavaSparkContext spark, int ranks, Optional<ResourceProfile> resources) {
    ClassTag<Integer> numbers = ClassTag$.MODULE$.apply(Integer.class);
    RDD<Integer> filled =
        seats(spark, ranks, resources).barrier().mapPartitions(new Same(), false, numbers);
    new JavaRDD<>(filled, numbers).collect();
  }

  private static RDD<Integer> seats(
      JavaSparkContext spark, int ranks, Optional<ResourceProfile> resources) {
    List<Integer> numbers = IntStream.range(0, ranks).boxed().toList();
    RDD<Integer> plain = spark.parallelize(numbers, ranks).rdd();
    return resources.map(plain::withResources).orElse(plain);
  }

  /** A task that does nothing. */
  private static final class Same extends AbstractFunction1<Iterator<Integer>, Iterator<Integer>>
      implements Serializable {
    @Override
    public Iterator<Integer> apply(Iterator<Integer> numbers) {
      return numbers;
    }
  }

  /** What a rank answered. */
  private record Answer<R extends Serializable>(int rank, R value) implements Serializable {}

  /** One barrier task. Spark's barrier RDD has no Java interface, so this is a Scala function. */
  private static final class Body<R extends Serializable>
      extends AbstractFunction1<Iterator<Integer>, Iterator<Answer<R>>> implements Serializable {
    private final int ranks;
    private final UUID attempt;
    private final Duration commTimeout;
    private final RankTask<R> task;

    Body(int ranks, UUID attempt, Duration commTimeout, RankTask<R> task) {
      this.ranks = ranks;
      this.attempt = attempt;
      this.commTimeout = commTimeout;
      this.task = task;
    }

    @Override
    public Iterator<Answer<R>> apply(Iterator<Integer> ignored) {
      BarrierTaskContext context = BarrierTaskContext.get();
      try (ProcessRanks room =
          ProcessRanks.enter(attempt, ranks, commTimeout, Wire.ofThisExecutor())) {
        RankPlaces places = rendezvous(context, room.placement());
        Answer<R> answer = new Answer<>(places.rank(), answer(context, room, places));
        return CollectionConverters.asScala(List.of(answer).iterator());
      }
    }

    /**
     * The only exchange over Spark, which takes a second whatever its size. Spark ends it on all
     * ranks if one of them dies before.
     */
    private static RankPlaces rendezvous(BarrierTaskContext context, Placement own) {
      List<Placement> all =
          Arrays.stream(context.allGather(own.encoded())).map(Placement::decode).toList();
      return RankPlaces.of(all, context.partitionId());
    }

    private R answer(BarrierTaskContext context, ProcessRanks room, RankPlaces places) {
      boolean executor = !room.placement().host().isEmpty();
      CancelledRank cancellation =
          executor
              ? CancelledRank.inExecutor(places.rank(), LOG::warn, SparkEnv.get().conf())
              : new CancelledRank(places.rank(), LOG::warn, () -> () -> {});
      try {
        Transport transport = ExecutorTransport.join(room, places);
        List<Consumer<String>> informed = new CopyOnWriteArrayList<>();
        informed.add(transport::abort);
        TaskInterruptListener cancelled =
            (killed, why) -> {
              informed.forEach(one -> inform(one, "Spark cancelled the task: " + why));
              cancellation.watch();
            };
        context.addTaskInterruptListener(cancelled);
        return answer(transport, GpuAddress.of(context, places), informed::add);
      } catch (Exception | Error failure) {
        RankMessage.Failure described = describe(places.rank(), failure, executor);
        report(described, failure);
        switch (described.cause()) {
          case USER, MODEL -> throw new Refused(described.message());
          case DRIVER, OTHER -> LOG.error("rank {} failed", places.rank(), failure);
          case PEER -> {}
        }
        if (executor && LostGpu.happened()) {
          throw LostGpu.endOfExecutor(described.message());
        }
        throw failure instanceof RuntimeException unchecked
            ? unchecked
            : new IllegalStateException(failure);
      } finally {
        cancellation.end();
      }
    }

    /** Tells one of several. If that fails, the others are still told. */
    private static void inform(Consumer<String> one, String why) {
      try {
        one.accept(why);
      } catch (RuntimeException e) {
        LOG.warn("while Spark cancels a task", e);
      }
    }

    private R answer(Transport transport, GpuAddress gpu, Consumer<Consumer<String>> onCancel)
        throws Exception {
      int rank = transport.rank();
      RankSeat seat =
          new RankSeat(
              transport,
              attempt.toString(),
              () -> rank == 0 && stopRequested(),
              content -> tell(new RankMessage.Report(attempt, content)),
              gpu::place,
              onCancel);
      try {
        R answer = task.call(seat);
        transport.close();
        if (rank == 0) {
          tell(new RankMessage.End(attempt));
        }
        return answer;
      } catch (Exception | Error failure) {
        abandon(transport, failure);
        throw failure;
      }
    }

    private static void abandon(Transport transport, Throwable failure) {
      try {
        transport.abort(String.valueOf(failure.getMessage()));
        transport.close();
      } catch (RuntimeException more) {
        failure.addSuppressed(more);
      }
    }

    /** Tells the driver why, and waits: it must know before Spark tells it that the task failed. */
    private static void report(RankMessage.Failure described, Throwable failure) {
      try {
        ask(described);
      } catch (RuntimeException more) {
        failure.addSuppressed(more);
      }
    }

    private RankMessage.Failure describe(int rank, Throwable failure, boolean executor) {
      Optional<UserErrors.Explained> users = UserErrors.mendable(failure);
      if (users.isPresent()) {
        String line = users.orElseThrow().message();
        return new RankMessage.Failure(attempt, rank, RankMessage.Cause.USER, line);
      }
      RankMessage.Cause cause = cause(failure, executor);
      String message =
          failure instanceof RuinedModel
                  || failure instanceof CommException
                  || failure instanceof InterruptedException
                  || failure instanceof DeviceException
              ? String.valueOf(failure.getMessage())
              : failure.toString();
      String loss = cause == RankMessage.Cause.DRIVER ? LostGpu.reasonBeside(failure) : "";
      return new RankMessage.Failure(attempt, rank, cause, message + loss);
    }

    private static RankMessage.Cause cause(Throwable failure, boolean executor) {
      if (failure instanceof RuinedModel) {
        return RankMessage.Cause.MODEL;
      }
      if (!executor && LostGpu.happened()) {
        return RankMessage.Cause.DRIVER;
      }
      return failure instanceof CommException || failure instanceof InterruptedException
          ? RankMessage.Cause.PEER
          : RankMessage.Cause.OTHER;
    }

    private static void tell(RankMessage message) {
      try {
        AntiphonPlugin.channel().send(message);
      } catch (java.io.IOException e) {
        throw new CommException("the driver cannot be reached: " + e.getMessage(), e);
      }
    }

    private boolean stopRequested() {
      RankMessage.Answer answer = ask(new RankMessage.StopQuestion(attempt));
      if (answer == RankMessage.Answer.GIVE_UP) {
        throw new CommException("the driver has given up this attempt");
      }
      return answer == RankMessage.Answer.STOP;
    }

    private static RankMessage.Answer ask(RankMessage message) {
      try {
        return (RankMessage.Answer) AntiphonPlugin.channel().ask(message);
      } catch (Exception e) {
        throw new CommException("the driver does not answer: " + e.getMessage(), e);
      }
    }
  }

  /**
   * Ends a task whose failure the user was told of. It has no cause: Spark would end the process
   * for a cause that is an OutOfMemoryError, and log any other.
   */
  private static final class Refused extends RuntimeException {
    Refused(String message) {
      super(message, null, false, false);
    }
  }
}
