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
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * {@code metrics.jsonl}: the history of a run, one JSON object per line, from which summary and
 * report are made. A line is handed to the operating system in one write, so a killed process
 * leaves at most its last line torn; the next {@link #open} removes such a line, and any other that
 * is not readable or not in order.
 */
final class MetricsFile implements Closeable {

  private final Path file;
  private FileChannel out;
  private UnreadableLines unreadable;

  private MetricsFile(Path file, FileChannel out, UnreadableLines unreadable) {
    this.file = file;
    this.out = out;
    this.unreadable = unreadable;
  }

  /**
   * Opens the file for a run that continues after {@code resumedStep}: lines of later steps are
   * removed, for 0 all lines.
   *
   * @throws UncheckedIOException if the file cannot be read or written
   */
  static MetricsFile open(Path file, long resumedStep) {
    UnreadableLines unreadable = UnreadableLines.NONE;
    if (resumedStep == 0) {
      AtomicFile.write(file, out -> {});
    } else {
      unreadable = retain(file, resumedStep);
    }
    return new MetricsFile(file, append(file), unreadable);
  }

  /** Removes what was recorded of steps after {@code step}, because the run went back to it. */
  void rewind(long step) {
    close();
    unreadable = retain(file, step);
    out = append(file);
  }

  /** Lines that the last {@link #open} or {@link #rewind} removed because nobody can use them. */
  UnreadableLines unreadable() {
    return unreadable;
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
      long end = out.size();
      try {
        ByteBuffer bytes = ByteBuffer.wrap(line);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
      } catch (IOException e) {
        removeTorn(end, e);
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
    }
  }

  /** A later line must not continue a torn one: both would be lost. */
  private void removeTorn(long end, IOException failure) {
    try {
      out.truncate(end);
    } catch (IOException more) {
      failure.addSuppressed(more);
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
   * @return what was left out
   * @throws UncheckedIOException if the file cannot be read
   */
  static UnreadableLines replay(Path file, RunListener listener) {
    LineOrder order = new LineOrder();
    return forEachLine(
        file,
        (text, line) -> {
          MetricsLine.deliver(line, order);
          MetricsLine.deliver(line, listener);
        });
  }

  private static FileChannel append(Path file) {
    try {
      return FileChannel.open(file, StandardOpenOption.APPEND, StandardOpenOption.CREATE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Keeps what {@link MetricsLine#survivesRewindTo}, and returns what nobody can use. The order is
   * asked of what survives alone: a later step may have damaged nothing but its own line.
   */
  private static UnreadableLines retain(Path file, long step) {
    UnreadableLines[] unreadable = {UnreadableLines.NONE};
    LineOrder order = new LineOrder();
    AtomicFile.write(
        file,
        out ->
            unreadable[0] =
                forEachLine(
                    file,
                    (text, line) -> {
                      if (MetricsLine.survivesRewindTo(step, line)) {
                        MetricsLine.deliver(line, order);
                        out.write(text.getBytes(StandardCharsets.UTF_8));
                        out.write('\n');
                      }
                    }));
    return unreadable[0];
  }

  private interface LineAction {
    /**
     * Takes a readable line.
     *
     * @throws IllegalArgumentException if it does not go with the lines before; nothing was done
     */
    void accept(String text, JsonNode line) throws IOException;
  }

  /** Passes on every readable line; returns the others. No file has no lines. */
  private static UnreadableLines forEachLine(Path file, LineAction action) {
    UnreadableLines unreadable = UnreadableLines.NONE;
    // A reader that replaces malformed bytes: a torn line must not stop the ones before it.
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      long number = 0;
      for (String text = reader.readLine(); text != null; text = reader.readLine()) {
        number++;
        JsonNode line;
        try {
          line = MetricsLine.parse(text);
        } catch (IllegalArgumentException | ArithmeticException e) {
          unreadable = unreadable.and(number, "not a whole line of a run's metrics");
          continue;
        }
        try {
          action.accept(text, line);
        } catch (IllegalArgumentException e) {
          unreadable = unreadable.and(number, String.valueOf(e.getMessage()));
        }
      }
    } catch (NoSuchFileException e) {
      return UnreadableLines.NONE;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
    return unreadable;
  }
}
