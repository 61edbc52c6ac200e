package io.antiphon.monitor;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Progress of work that has no run directory: one redrawn line on a terminal that can redraw,
 * nothing elsewhere. It goes when the work is done.
 */
public final class WorkProgress implements AutoCloseable {

  private static final Duration REDRAW = Duration.ofMillis(100);
  private static final int BAR = 30;
  private static final int ROOM_FOR_BAR = 70;

  private final Terminal terminal;
  private final StatusLine line;
  private final String unit;
  private final long total;
  private final LongSupplier nanoTime;
  private final long begin;
  private long lastDraw;

  private WorkProgress(Terminal terminal, String unit, long total, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.line = new StatusLine(terminal);
    this.unit = unit;
    this.total = total;
    this.nanoTime = nanoTime;
    this.begin = nanoTime.getAsLong();
    this.lastDraw = begin - REDRAW.toNanos();
  }

  /**
   * Work that has not begun.
   *
   * @param unit what is counted, in the plural
   * @param total how many there are; 0 if that is not known
   */
  public static WorkProgress of(Terminal terminal, String unit, long total) {
    return of(terminal, unit, total, System::nanoTime);
  }

  static WorkProgress of(Terminal terminal, String unit, long total, LongSupplier nanoTime) {
    return new WorkProgress(terminal, unit, total, nanoTime);
  }

  /** Shows how many are done, of all. */
  public void done(long done) {
    long now = nanoTime.getAsLong();
    if (!terminal.redraws() || (now - lastDraw < REDRAW.toNanos() && done != total)) {
      return;
    }
    lastDraw = now;
    int room = Math.max(1, terminal.columns().getAsInt() - 1);
    line.show(total > 0 ? known(done, now, room) : cut(done + " " + unit, room));
  }

  private String known(long done, long now, int room) {
    double perUnit = (now - begin) * 1e-9 / Math.max(1, done);
    String counted = Figures.format("%d/%d %s", done, total, unit);
    String remaining =
        "ETA " + Figures.duration(Figures.seconds(perUnit * Math.max(0, total - done)));
    if (room < ROOM_FOR_BAR) {
      return cut(counted + "  " + remaining, room);
    }
    return counted + "  " + Bar.draw(terminal, BAR, done, total) + "  " + remaining;
  }

  private static String cut(String text, int room) {
    return text.length() <= room ? text : text.substring(0, room);
  }

  @Override
  public void close() {
    line.hide();
  }
}
