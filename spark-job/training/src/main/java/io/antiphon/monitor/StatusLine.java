package io.antiphon.monitor;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/**
 * The last line of a terminal, redrawn in place. Other output appears above it, in whole lines,
 * through streams made by {@link #above}. Safe for use by many threads.
 */
final class StatusLine {

  private static final String ERASE = "\r\u001b[K";

  /** A line wider than the terminal is cut there, instead of wrapping out of reach. */
  private static final String CUT = "\u001b[?7l";

  private static final String WRAP = "\u001b[?7h";

  private final Terminal terminal;
  private String shown = "";

  StatusLine(Terminal terminal) {
    this.terminal = terminal;
  }

  /** Draws {@code line} in place of the one before; the cursor stays on it. */
  synchronized void show(String line) {
    PrintStream out = terminal.out();
    out.print(erase() + (terminal.escapes() ? CUT + line + WRAP : line));
    out.flush();
    shown = line;
  }

  /** Removes the line. */
  synchronized void hide() {
    if (!shown.isEmpty()) {
      terminal.out().print(erase());
      terminal.out().flush();
      shown = "";
    }
  }

  /** Prints a line that stays, above the redrawn one. */
  synchronized void print(String line) {
    String status = shown;
    hide();
    terminal.out().println(line);
    if (status.isEmpty()) {
      terminal.out().flush();
    } else {
      show(status);
    }
  }

  /**
   * A stream that passes on whole lines to {@code target}, which shows on the same terminal, while
   * the status line is out of the way. A last line without an end passes on when the stream is
   * closed; {@code target} stays open.
   */
  PrintStream above(PrintStream target) {
    Charset charset = terminal.unicode() ? StandardCharsets.UTF_8 : Charset.defaultCharset();
    return new PrintStream(new WholeLines(target), true, charset);
  }

  private synchronized void write(PrintStream target, ByteArrayOutputStream lines) {
    String status = shown;
    hide();
    target.write(lines.toByteArray(), 0, lines.size());
    target.flush();
    if (!status.isEmpty()) {
      show(status);
    }
  }

  private String erase() {
    if (shown.isEmpty()) {
      return "";
    }
    // Without escapes only characters can erase characters.
    return terminal.escapes() ? ERASE : "\r" + " ".repeat(shown.length()) + "\r";
  }

  /** Holds bytes back until their line is complete. */
  private final class WholeLines extends OutputStream {
    private final PrintStream target;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();

    WholeLines(PrintStream target) {
      this.target = target;
    }

    @Override
    public void write(int value) {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      synchronized (StatusLine.this) {
        int end = offset + length;
        int lineEnd = end;
        while (lineEnd > offset && bytes[lineEnd - 1] != '\n') {
          lineEnd--;
        }
        pending.write(bytes, offset, lineEnd - offset);
        if (lineEnd > offset) {
          StatusLine.this.write(target, pending);
          pending.reset();
        }
        pending.write(bytes, lineEnd, end - lineEnd);
      }
    }

    @Override
    public void close() {
      synchronized (StatusLine.this) {
        if (pending.size() > 0) {
          pending.write('\n');
          StatusLine.this.write(target, pending);
          pending.reset();
        }
      }
    }
  }
}
