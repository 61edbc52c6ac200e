package io.antiphon.submit;

import io.antiphon.run.EvaluationRun;
import io.antiphon.train.report.LayerLoad;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** One evaluation as a user sees it: a line of JSON, or text. */
final class EvaluationReport {
  private final Path runDirectory;
  private final EvaluationRun.Result result;

  EvaluationReport(Path runDirectory, EvaluationRun.Result result) {
    this.runDirectory = runDirectory;
    this.result = result;
  }

  /** One object on one line; doubles in full, {@code null} where a number is not finite. */
  void writeJson(PrintWriter out) {
    var metrics = result.evaluation().metrics();
    JsonLine line = new JsonLine();
    line.text("runDirectory", runDirectory.toString());
    line.whole("step", result.step());
    line.whole("ranks", result.ranks());
    line.text("text", result.text());
    line.text("split", result.split());
    line.whole("sequences", result.evaluation().sequences());
    line.whole("availableSequences", result.available());
    line.whole("targets", metrics.targets());
    line.number("loss", metrics.loss());
    line.number("bitsPerByte", result.bitsPerByte());
    line.number("perplexity", result.perplexity());
    line.number("bytesPerToken", result.bytesPerToken());
    line.number("loadBefore", mean(LayerLoad::imbalanceBefore));
    line.number("loadAfter", mean(LayerLoad::imbalanceAfter));
    line.whole("clones", layers().stream().mapToLong(LayerLoad::clones).sum());
    line.whole("reruns", result.evaluation().reruns());
    out.println(line.end());
  }

  void writeText(PrintWriter out) {
    var metrics = result.evaluation().metrics();
    out.printf(
        Locale.ROOT,
        "%s, step %d, on %d %s%n",
        runDirectory,
        result.step(),
        result.ranks(),
        result.ranks() == 1 ? "rank" : "ranks");
    row(
        out,
        "text",
        result.text() + (result.split().equals("validation") ? ", validation split" : ""));
    row(
        out,
        "evaluated",
        String.format(
            Locale.ROOT,
            "%,d of %,d sequences, %,d tokens",
            result.evaluation().sequences(),
            result.available(),
            metrics.targets()));
    row(out, "loss", figures("%.4f nats per token", metrics.loss()));
    row(out, "", figures("%.4f bits per byte", result.bitsPerByte()));
    row(out, "perplexity", figures("%.3f per token", result.perplexity()));
    if (!layers().isEmpty()) {
      row(
          out,
          "load",
          figures("%.3f max/mean before planning, ", mean(LayerLoad::imbalanceBefore))
              + figures("%.3f after", mean(LayerLoad::imbalanceAfter)));
      long clones = layers().stream().mapToLong(LayerLoad::clones).sum();
      row(out, "clones", clones + ", reruns " + result.evaluation().reruns());
    }
  }

  private static void row(PrintWriter out, String name, String value) {
    out.printf(Locale.ROOT, "  %-12s %s%n", name, value);
  }

  private static String figures(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private List<LayerLoad> layers() {
    return result.evaluation().layers();
  }

  private double mean(ToDoubleFunction<LayerLoad> figure) {
    return layers().stream().mapToDouble(figure).average().orElse(Double.NaN);
  }
}
