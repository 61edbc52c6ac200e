package io.antiphon.cpu;

import io.antiphon.tensor.Collectives;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Runs the ranks of one group as threads of the test. */
final class Ranks {
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private Ranks() {}

  /** What one rank does. */
  interface Body<R> {
    R run(TestTensors tensors, Collectives group);
  }

  /** Runs {@code body} on every rank and returns the results by rank. */
  static <R> List<R> run(int ranks, Supplier<CpuBackend> backends, Body<R> body) {
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<R>> futures = new ArrayList<>();
      for (Transport transport : ThreadTransport.group(ranks, DEADLINE)) {
        futures.add(
            threads.submit(
                () -> {
                  int[] members = new int[ranks];
                  for (int rank = 0; rank < ranks; rank++) {
                    members[rank] = rank;
                  }
                  try (CpuBackend backend = backends.get()) {
                    return body.run(
                        new TestTensors(backend), backend.collectives(transport, members));
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
