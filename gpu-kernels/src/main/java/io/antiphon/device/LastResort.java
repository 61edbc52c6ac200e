package io.antiphon.device;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;

/**
 * Kills this process unless it ends, or this is closed, before. A process that exits runs what
 * libraries want done then, and the CUDA driver waits there for kernels that may never end; no
 * thread of the process runs any more that could do something about it. So a shell does.
 */
public final class LastResort implements AutoCloseable {
  private final Process shell;

  private LastResort(Process shell) {
    this.shell = shell;
  }

  /**
   * Sets the time.
   *
   * @param delay whole seconds
   * @throws UncheckedIOException if there is no shell
   */
  public static LastResort after(Duration delay) {
    // Its input ends with this process, or when this is closed.
    String script =
        "trap '' INT TERM; { sleep %d; kill -9 %d; } & killer=$!; cat; kill -9 $killer"
            .formatted(delay.toSeconds(), ProcessHandle.current().pid());
    try {
      return new LastResort(
          new ProcessBuilder("/bin/sh", "-c", script)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run /bin/sh", e);
    }
  }

  /** Lets the process live. */
  @Override
  public void close() {
    try (OutputStream input = shell.getOutputStream()) {
      input.flush();
    } catch (IOException e) {
      shell.destroyForcibly(); // it has ended by itself
    }
  }
}
