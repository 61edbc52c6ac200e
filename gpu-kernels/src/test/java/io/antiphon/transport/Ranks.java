package io.antiphon.transport;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

/** Runs the ranks of one group as threads of the test. */
public final class Ranks {
  private static final Duration MESSAGE_LIMIT = Duration.ofSeconds(60);
  private static final Duration DEADLINE = Duration.ofMinutes(5);

  private Ranks() {}

  /** What one rank does with its transport. */
  public interface Body<R> {
    R run(Transport transport) throws Exception;
  }

  /** Ranks {@code 0 .. ranks - 1}, in order. */
  public static int[] all(int ranks) {
    return IntStream.range(0, ranks).toArray();
  }

  /**
   * Runs {@code body} on every rank; results by rank. If one fails, the others learn it and the
   * failure of the first of them is thrown.
   */
  public static <R> List<R> run(int ranks, Body<R> body) {
    return run(ThreadTransport.group(ranks, MESSAGE_LIMIT), body);
  }

  /** Runs {@code body} on the rank of every transport of {@code group}, likewise. */
  public static <R> List<R> run(List<Transport> group, Body<R> body) {
    ExecutorService threads = Executors.newFixedThreadPool(group.size());
    try {
      List<Future<R>> futures = new ArrayList<>();
      for (Transport transport : group) {
        futures.add(threads.submit(() -> runOne(transport, body)));
      }
      List<R> results = new ArrayList<>();
      for (Future<R> future : futures) {
        results.add(future.get(DEADLINE.toSeconds(), TimeUnit.SECONDS));
      }
      return results;
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError("a rank failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
  }

  private static <R> R runOne(Transport transport, Body<R> body) throws Exception {
    try {
      return body.run(transport);
    } catch (Exception | Error e) {
      transport.abort(String.valueOf(e));
      throw e;
    }
  }
}
