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
 * Kills this process unless it ends, or this is closed, before. A process that exits runs what
 * libraries want done then, and CUDA waits there for kernels that may never end; no thread of the
 * process runs any more that could do something about it. So a shell does.
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
   * Sets the time; without a shell, nobody is killed.
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
   * Has this process killed where it would exit: after its shutdown hooks, before libraries do what
   * they want done then. For who knows that they would crash there. Its exit code becomes 137.
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
