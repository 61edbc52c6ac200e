package io.antiphon.device;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills this process after a while, unless the process ends or this is closed before. A process
 * that exits runs the exit handlers of its libraries, and CUDA's wait for kernels that may never
 * end. No thread of the process could then do anything about it. So a shell kills the process.
 */
public final class LastResort implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LastResort.class);

  private static final AtomicBoolean INSTEAD_OF_EXIT = new AtomicBoolean();

  /** Time for the other shutdown hooks. */
  private static final Duration HOOKS = Duration.ofSeconds(3);

  private final @Nullable Process shell;

  private LastResort(@Nullable Process shell) {
    this.shell = shell;
  }

  /**
   * Sets the time. If no shell can be started, a warning says so and the process is never killed.
   *
   * @param delay whole seconds
   */
  public static LastResort after(Duration delay) {
    // Its input ends with this process, or when this is closed.
    String script =
        """
        trap '' INT TERM
        { sleep %d & nap=$!; trap 'kill -9 $nap; exit' USR1; wait $nap; kill -9 %d; } &
        cat
        kill -USR1 $!
        """
            .formatted(delay.toSeconds(), ProcessHandle.current().pid());
    try {
      return new LastResort(
          new ProcessBuilder("/bin/sh", "-c", script)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start());
    } catch (IOException e) {
      LOG.warn("cannot run /bin/sh: {}", e.getMessage());
      return new LastResort(null);
    }
  }

  /**
   * Has this process killed where it would exit: after its shutdown hooks, before the exit handlers
   * of its libraries. It is for a process where these would crash. The exit code becomes 137.
   */
  public static void insteadOfExit() {
    if (INSTEAD_OF_EXIT.getAndSet(true)) {
      return;
    }
    Thread hook =
        new Thread(
            () -> {
              after(HOOKS);
              while (true) {
                LockSupport.park();
              }
            },
            "last-resort");
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException e) {
      LOG.debug("the process exits already");
    }
  }

  /** Lets the process live. */
  @Override
  public void close() {
    if (shell == null) {
      return;
    }
    try (OutputStream input = shell.getOutputStream()) {
      input.flush();
    } catch (IOException e) {
      shell.destroyForcibly(); // it has ended by itself
    }
  }
}
