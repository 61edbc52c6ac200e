package io.antiphon.run;

import io.antiphon.conf.Settings;
import io.antiphon.data.DataRequest;
import io.antiphon.tensor.CommException;
import io.antiphon.train.DevicePlace;
import io.antiphon.train.report.RunReports;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Ranks as threads of this process. A rank that fails ends the run. */
final class ThreadHost implements RunHost {
  /** How long ranks are given to close once one has failed. */
  private static final Duration CLOSING = Duration.ofSeconds(90);

  @Override
  public PreparedText text(DataRequest request, int ranks) {
    return LocalText.read(request, ranks);
  }

  @Override
  public CheckpointPlace checkpoints(String directory) {
    return new CheckpointPlace(directory, LocalCheckpoints::open);
  }

  @Override
  public <R extends Serializable> R call(
      Settings settings, RankTask<R> task, RunReports reports, BooleanSupplier stop)
      throws InterruptedException {
    int ranks = settings.parallelism().ranks();
    String attempt = UUID.randomUUID().toString();
    Attempt<R> running = new Attempt<>();
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      for (Transport transport : ThreadTransport.group(ranks, settings.spark().commTimeout())) {
        RankSeat seat =
            new RankSeat(
                transport,
                attempt,
                stop,
                report -> report.deliver(reports),
                run -> DevicePlace.onThisMachine(run, transport.rank(), ranks),
                running.abandons::add);
        running.results.add(threads.submit(() -> running.rank(task, seat)));
      }
      return running.await();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException known) {
        throw known;
      }
      throw new CommException("a rank failed: " + e.getCause(), e);
    } finally {
      threads.shutdownNow();
    }
  }

  @Override
  public void close() {}

  /** The ranks of one call. */
  private static final class Attempt<R> {
    private final List<Future<R>> results = new ArrayList<>();
    private final List<Consumer<String>> abandons = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    R rank(RankTask<? extends R> task, RankSeat seat) throws Exception {
      try {
        return task.call(seat);
      } catch (Exception | Error why) {
        failure.compareAndSet(null, why);
        String reason = "rank " + seat.transport().rank() + " failed: " + why.getMessage();
        seat.transport().abort(reason);
        // Ranks of one process may wait for each other on a device without a message.
        abandons.forEach(abandon -> abandon.accept(reason));
        throw why;
      }
    }

    /** Waits for all ranks, also for those that close after another has failed; not for ever. */
    R await() throws ExecutionException, InterruptedException {
      long failedFor = 0;
      for (Future<R> result : results) {
        while (!result.isDone() && failedFor <= CLOSING.toSeconds()) {
          try {
            result.get(1, TimeUnit.SECONDS);
          } catch (TimeoutException e) {
            failedFor += failure.get() == null ? 0 : 1;
          } catch (ExecutionException e) {
            failure.compareAndSet(null, e.getCause());
          }
        }
      }
      if (results.stream().anyMatch(result -> !result.isDone())) {
        LostGpu.rankHangs();
      }
      Throwable first = failure.get();
      if (first != null) {
        throw new ExecutionException(first);
      }
      return results.get(0).get();
    }
  }
}
