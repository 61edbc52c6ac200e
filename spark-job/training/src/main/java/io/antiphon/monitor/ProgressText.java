package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunSummary;
import io.antiphon.train.report.StepMetrics;

/** The sentences of the progress display that bar and lines share. */
final class ProgressText {

  private final Terminal terminal;

  ProgressText(Terminal terminal) {
    this.terminal = terminal;
  }

  String started(RunInfo info) {
    String experts =
        info.experts() == 0
            ? "dense"
            : Figures.format(
                "%d experts top-%d%s",
                info.experts(),
                info.topK(),
                info.slotsPerRank() == 0 ? "" : ", ECHO " + info.planner());
    String from = info.resumedStep() == 0 ? "" : " from step " + info.resumedStep();
    return Figures.format(
        "%s: %d steps%s on %d %s (%s), %d %s, %s",
        Figures.oneLine(info.name()),
        info.steps(),
        from,
        info.ranks(),
        info.ranks() == 1 ? "rank" : "ranks",
        info.backend(),
        info.layers(),
        info.layers() == 1 ? "layer" : "layers",
        experts);
  }

  String step(StepMetrics metrics, RunInfo info, Pace pace) {
    int width = Long.toString(info.steps()).length();
    StringBuilder line =
        new StringBuilder(
            Figures.format(
                "step %" + width + "d/%d  loss %.4f (%.4f bits/byte)  %s tokens/s",
                metrics.step(),
                info.steps(),
                metrics.loss(),
                info.bitsPerByte(metrics.loss()),
                Figures.compact(metrics.tokensPerSecond())));
    if (!metrics.layers().isEmpty()) {
      line.append("  load ").append(load(metrics)).append("  clones ").append(metrics.clones());
    }
    line.append(
        Figures.format(
            "  lr %.2e  grad %.3f  ETA %s",
            metrics.learningRate(),
            metrics.gradientNorm(),
            Figures.duration(pace.remaining(info.steps() - metrics.step()))));
    return line.toString();
  }

  /** Max/mean rank load before and after planning. */
  String load(StepMetrics metrics) {
    return Figures.format(
        "%.2f%s%.2f",
        metrics.loadBefore(), terminal.unicode() ? "\u2192" : "->", metrics.loadAfter());
  }

  String evaluated(EvaluationMetrics metrics, RunInfo info) {
    String baseline =
        Double.isNaN(info.bigramLoss())
            ? ""
            : Figures.format("; bigram %.4f bits/byte", info.bitsPerByte(info.bigramLoss()));
    return Figures.format(
        "step %d: validation loss %.4f (%.4f bits/byte%s)",
        metrics.step(), metrics.loss(), info.bitsPerByte(metrics.loss()), baseline);
  }

  String event(RunEvent event) {
    String what = MetricsLine.word(event.kind()).replace('-', ' ');
    String message = Figures.oneLine(event.message());
    return Figures.format(
        "step %d: %s%s", event.step(), what, message.isEmpty() ? "" : ": " + message);
  }

  String finished(RunSummary.Outcome outcome, String reason, long step, String elapsed) {
    String why = Figures.oneLine(reason);
    return Figures.format(
        "%s at step %d after %s%s",
        MetricsLine.word(outcome), step, elapsed, why.isEmpty() ? "" : ": " + why);
  }
}
