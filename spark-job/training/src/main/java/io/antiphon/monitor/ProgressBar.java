package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Progress as one redrawn line. It shows as much as the terminal is wide: the step always, then
 * figures by importance, and a bar in the room that is left.
 *
 * <p>No library does this. The progress bar of {@code me.tongfei} cuts off at the right edge what
 * has no room, writes over log lines of other streams, and leaves its last line standing. The
 * status line of JLine needs a terminal with scroll regions; without escape sequences it shows
 * nothing.
 */
final class ProgressBar implements RunListener {

  private static final Duration REDRAW = Duration.ofMillis(100);
  private static final int WIDEST_BAR = 30;
  private static final int NARROWEST_BAR = 6;

  /** A piece of the line; the lowest rank is the last to go when room is short. */
  private record Piece(String text, int rank) {}

  private final Terminal terminal;
  private final StatusLine line;
  private final LongSupplier nanoTime;
  private final ProgressText text;
  private final long begin;
  private Pace pace = new Pace();
  private @Nullable RunInfo info;
  private long lastStep;
  private long lastDraw;

  ProgressBar(Terminal terminal, StatusLine line, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.line = line;
    this.nanoTime = nanoTime;
    text = new ProgressText(terminal);
    begin = nanoTime.getAsLong();
    lastDraw = begin - REDRAW.toNanos();
  }

  @Override
  public void started(RunInfo info) {
    this.info = info;
    pace = new Pace();
    lastStep = info.resumedStep();
    line.print(text.started(info));
    line.show(fit(List.of(), info));
  }

  @Override
  public void step(StepMetrics metrics) {
    RunInfo run = info;
    if (run == null) {
      throw new IllegalStateException("a step came before the run started");
    }
    pace.add(metrics.seconds(), metrics.tokens());
    lastStep = metrics.step();
    long now = nanoTime.getAsLong();
    if (now - lastDraw >= REDRAW.toNanos() || lastStep == run.steps()) {
      lastDraw = now;
      line.show(fit(pieces(metrics, run), run));
    }
  }

  private List<Piece> pieces(StepMetrics metrics, RunInfo run) {
    List<Piece> pieces = new ArrayList<>();
    pieces.add(new Piece(Figures.format("loss %.4f", metrics.loss()), 0));
    pieces.add(new Piece(Figures.compact(pace.tokensPerSecond()) + " tokens/s", 2));
    if (!metrics.layers().isEmpty()) {
      pieces.add(new Piece("load " + text.load(metrics), 3));
      pieces.add(new Piece("clones " + metrics.clones(), 4));
    }
    Duration remaining = pace.remaining(run.steps() - metrics.step());
    pieces.add(new Piece("ETA " + Figures.duration(remaining), 1));
    return pieces;
  }

  /** Lays the line out in one column less than there are: some terminals wrap at the last one. */
  private String fit(List<Piece> pieces, RunInfo run) {
    int room = Math.max(1, terminal.columns().getAsInt() - 1);
    String step = Figures.format("%d/%d", lastStep, run.steps());
    if (step.length() > room) {
      return step.substring(0, room);
    }
    room -= step.length();
    List<Piece> kept = new ArrayList<>();
    for (Piece piece : pieces.stream().sorted(Comparator.comparingInt(Piece::rank)).toList()) {
      if (piece.text().length() + 2 > room) {
        break;
      }
      room -= piece.text().length() + 2;
      kept.add(piece);
    }
    StringBuilder drawn = new StringBuilder(step);
    int width = Math.min(WIDEST_BAR, room - 2);
    if (width >= NARROWEST_BAR) {
      drawn.append("  ").append(Bar.draw(terminal, width, lastStep, run.steps()));
    }
    for (Piece piece : pieces) {
      if (kept.contains(piece)) {
        drawn.append("  ").append(piece.text());
      }
    }
    return drawn.toString();
  }

  @Override
  public void evaluated(EvaluationMetrics metrics) {
    if (info != null) {
      line.print(text.evaluated(metrics, info));
    }
  }

  @Override
  public void event(RunEvent event) {
    // Checkpoints are routine: they would push everything else off the screen.
    if (event.kind() != RunEvent.Kind.CHECKPOINT) {
      line.print(text.event(event));
    }
  }

  @Override
  public void finished(RunSummary.Outcome outcome, String reason) {
    line.hide();
    Duration elapsed = Duration.ofNanos(nanoTime.getAsLong() - begin);
    line.print(text.finished(outcome, reason, lastStep, Figures.duration(elapsed)));
  }
}
