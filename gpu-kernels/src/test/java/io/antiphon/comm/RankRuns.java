package io.antiphon.comm;

import io.antiphon.cpu.ThreadTransport;
import io.antiphon.cpu.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs ranks as threads of the test. */
final class RankRuns {
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private RankRuns() {}

  /** What one rank does. */
  interface Body<R> {
    R run(Transport transport) throws Exception;
  }

  /** Ranks {@code 0 .. ranks - 1}, in order. */
  static int[] all(int ranks) {
    int[] members = new int[ranks];
    for (int i = 0; i < ranks; i++) {
      members[i] = i;
    }
    return members;
  }

  /** Runs {@code body} on every rank; results by rank. */
  static <R> List<R> run(int ranks, Body<R> body) {
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<R>> futures = new ArrayList<>();
      for (Transport transport : ThreadTransport.group(ranks, DEADLINE)) {
        futures.add(
            threads.submit(
                () -> {
                  try {
                    return body.run(transport);
                  } catch (Exception | Error e) {
                    transport.abort(String.valueOf(e));
                    throw e;
                  }
                }));
      }
      List<R> results = new ArrayList<>();
      for (Future<R> future : futures) {
        results.add(future.get(2 * DEADLINE.toSeconds(), TimeUnit.SECONDS));
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
}
