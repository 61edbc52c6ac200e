package io.antiphon.tests.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A running command; its output is collected line by line as it comes. */
final class Launched implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(150);

  private final Process process;
  private final Lines out;
  private final Lines err;

  private Launched(Process process) {
    this.process = process;
    this.out = new Lines(process.getInputStream());
    this.err = new Lines(process.getErrorStream());
  }

  /**
   * Starts a command.
   *
   * @param environment replaces variables of this process; an empty value removes one
   */
  static Launched start(Path directory, Map<String, String> environment, List<String> command)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    environment.forEach(
        (name, value) -> {
          if (value.isEmpty()) {
            builder.environment().remove(name);
          } else {
            builder.environment().put(name, value);
          }
        });
    Launched launched = new Launched(builder.start());
    launched.process.getOutputStream().close();
    return launched;
  }

  /** Sends a signal, such as INT; the launcher has become the Java process by then. */
  void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  /** Waits for a line of standard output. */
  String awaitOut(String part) throws InterruptedException {
    return out.await(line -> line.contains(part), "a line with '" + part + "'", this);
  }

  /** Waits for a line of standard error. */
  String awaitErr(String part) throws InterruptedException {
    return err.await(line -> line.contains(part), "an error line with '" + part + "'", this);
  }

  /** Waits for the end and returns the exit code. */
  int exitCode() throws InterruptedException {
    if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("still running after " + LIMIT + output());
    }
    out.join();
    err.join();
    return process.exitValue();
  }

  String out() {
    return out.text();
  }

  String err() {
    return err.text();
  }

  String output() {
    return "\n--- standard output:\n" + out() + "\n--- standard error:\n" + err();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** The lines of one stream. */
  private static final class Lines {
    private final List<String> lines = new ArrayList<>();
    private final Thread reader;
    private boolean ended;

    Lines(InputStream stream) {
      reader = new Thread(() -> read(stream), "lines");
      reader.setDaemon(true);
      reader.start();
    }

    private void read(InputStream stream) {
      try (BufferedReader in =
          new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          synchronized (lines) {
            lines.add(line);
            lines.notifyAll();
          }
        }
      } catch (IOException e) {
        // The process was ended; what was read stands.
      } finally {
        synchronized (lines) {
          ended = true;
          lines.notifyAll();
        }
      }
    }

    String await(Predicate<String> wanted, String what, Launched launched)
        throws InterruptedException {
      long deadline = System.nanoTime() + LIMIT.toNanos();
      int seen = 0;
      synchronized (lines) {
        while (true) {
          for (; seen < lines.size(); seen++) {
            if (wanted.test(lines.get(seen))) {
              return lines.get(seen);
            }
          }
          long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
          if (ended || left <= 0) {
            throw new AssertionError("no " + what + launched.output());
          }
          lines.wait(left);
        }
      }
    }

    void join() throws InterruptedException {
      reader.join(LIMIT.toMillis());
    }

    String text() {
      synchronized (lines) {
        return String.join("\n", lines);
      }
    }
  }
}
