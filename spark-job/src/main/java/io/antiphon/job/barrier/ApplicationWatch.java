package io.antiphon.job.barrier;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Waits for Spark without trusting it to return. When the cluster removes an application, Spark
 * ends the jobs it was running, but not one that still waited for executors.
 */
public final class ApplicationWatch {
  private static final Duration PERIOD = Duration.ofSeconds(1);

  /** Time in which Spark may still say why itself. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  private ApplicationWatch() {}

  /** The application is over and will run no job any more. */
  public static final class ApplicationLost extends RuntimeException {
    /**
     * @param message one line for the user
     */
    public ApplicationLost(String message) {
      super(message);
    }
  }

  /**
   * Calls {@code work} in a thread of its own.
   *
   * @param stopped whether the application is over
   * @param waiting called about every second until it returns; may throw to end the wait
   * @throws ApplicationLost if the application ended and the work did not
   */
  public static <T> T call(BooleanSupplier stopped, Callable<T> work, Runnable waiting)
      throws Exception {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread = new Thread(() -> complete(result, work), "antiphon-submission");
    thread.setDaemon(true);
    thread.start();
    while (true) {
      boolean over = stopped.getAsBoolean();
      Duration limit = over ? GRACE : PERIOD;
      try {
        return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (over) {
          throw new ApplicationLost(
              "Spark ended the application while it waited: the cluster manager removed it, or no"
                  + " executor could be started; see the lines above and the executors' logs");
        }
        waiting.run();
      } catch (ExecutionException e) {
        throw e.getCause() instanceof Exception cause ? cause : e;
      }
    }
  }

  private static <T> void complete(CompletableFuture<T> result, Callable<T> work) {
    try {
      result.complete(work.call());
    } catch (Throwable failure) { // whatever it is belongs to the thread that waits
      result.completeExceptionally(failure);
    }
  }
}
