package io.antiphon.model;

import io.antiphon.cpu.ThreadTransport;
import io.antiphon.cpu.Transport;
import io.antiphon.tensor.Backend;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs the ranks of a world as threads of the test. */
final class RankThreads {
  private static final Duration DEADLINE = Duration.ofMinutes(2);

  private RankThreads() {}

  /** What one rank does. */
  interface RankBody<R> {
    R run(Backend backend, Groups groups) throws InterruptedException;
  }

  /**
   * Runs {@code body} on every rank and returns the results by rank; the first failure is thrown.
   */
  static <R> List<R> run(int ranks, int expertRanks, TestDevice device, RankBody<R> body) {
    List<Transport> transports = ThreadTransport.group(ranks, DEADLINE);
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<R>> futures = new ArrayList<>();
      for (Transport transport : transports) {
        futures.add(
            threads.submit(
                () -> {
                  try (TestDevice.Opened opened = device.open(transport, expertRanks)) {
                    return body.run(opened.backend(), opened.groups());
                  } catch (RuntimeException | Error e) {
                    transport.abort(String.valueOf(e));
                    throw e;
                  }
                }));
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
}
