package io.antiphon.monitor;

import com.fasterxml.jackson.databind.JsonNode;
import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * {@code metrics.jsonl}: the history of a run, one JSON object per line, from which summary and
 * report are made. A line is handed to the operating system in one write, so a killed process
 * leaves at most its last line torn; the next {@link #open} removes such a line.
 */
final class MetricsFile implements Closeable {

  private final Path file;
  private OutputStream out;
  private long unreadableLines;

  private MetricsFile(Path file, OutputStream out) {
    this.file = file;
    this.out = out;
  }

  /**
   * Opens the file for a run that continues after {@code resumedStep}: lines of later steps are
   * removed, for 0 all lines.
   *
   * @throws UncheckedIOException if the file cannot be read or written
   */
  static MetricsFile open(Path file, long resumedStep) {
    long unreadable = 0;
    if (resumedStep == 0) {
      AtomicFile.write(file, out -> {});
    } else {
      unreadable = retain(file, resumedStep);
    }
    MetricsFile metrics = new MetricsFile(file, append(file));
    metrics.unreadableLines = unreadable;
    return metrics;
  }

  /** Removes what was recorded of steps after {@code step}, because the run went back to it. */
  void rewind(long step) {
    close();
    unreadableLines += retain(file, step);
    out = append(file);
  }

  /** Lines that were removed because they were torn or otherwise not readable. */
  long unreadableLines() {
    return unreadableLines;
  }

  void append(RunInfo info) {
    write(MetricsLine.of(info));
  }

  void append(StepMetrics metrics, RunInfo info) {
    write(MetricsLine.of(metrics, info));
  }

  void append(EvaluationMetrics metrics, RunInfo info) {
    write(MetricsLine.of(metrics, info));
  }

  void append(RunEvent event) {
    write(MetricsLine.of(event));
  }

  void appendEnd(long step, RunSummary.Outcome outcome, String reason) {
    write(MetricsLine.end(step, outcome, reason));
  }

  private void write(byte[] line) {
    try {
      out.write(line);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Repeats the recorded calls, in the order of the file, without the lines that are not readable.
   *
   * @throws UncheckedIOException if the file cannot be read
   */
  static void replay(Path file, RunListener listener) {
    forEachLine(file, (text, line) -> MetricsLine.deliver(line, listener));
  }

  private static OutputStream append(Path file) {
    try {
      return Files.newOutputStream(file, StandardOpenOption.APPEND, StandardOpenOption.CREATE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open " + file + ": " + e.getMessage(), e);
    }
  }

  /** Keeps what {@link MetricsLine#survivesRewindTo}; returns the number of unreadable lines. */
  private static long retain(Path file, long step) {
    long[] unreadable = {0};
    AtomicFile.write(
        file,
        out ->
            unreadable[0] =
                forEachLine(
                    file,
                    (text, line) -> {
                      if (MetricsLine.survivesRewindTo(step, line)) {
                        out.write(text.getBytes(StandardCharsets.UTF_8));
                        out.write('\n');
                      }
                    }));
    return unreadable[0];
  }

  private interface LineAction {
    void accept(String text, JsonNode line) throws IOException;
  }

  /** Passes on every readable line; returns the number of others. No file has no lines. */
  private static long forEachLine(Path file, LineAction action) {
    long unreadable = 0;
    // A reader that replaces malformed bytes: a torn line must not stop the ones before it.
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      for (String text = reader.readLine(); text != null; text = reader.readLine()) {
        JsonNode line;
        try {
          line = MetricsLine.parse(text);
        } catch (IllegalArgumentException | ArithmeticException e) {
          unreadable++;
          continue;
        }
        action.accept(text, line);
      }
    } catch (NoSuchFileException e) {
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
    return unreadable;
  }
}
