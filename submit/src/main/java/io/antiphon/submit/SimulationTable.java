package io.antiphon.submit;

import io.antiphon.simulate.ContenderResult.Summary;
import io.antiphon.simulate.SimulationResult;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** A comparison as two tables that fit a terminal. */
final class SimulationTable {
  private static final double MIB = 1 << 20;

  private final SimulationResult result;
  private final List<Summary> summaries;

  SimulationTable(SimulationResult result) {
    this.result = result;
    this.summaries = result.summaries();
  }

  void write(PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%s%n%d ranks (%d per node), %d experts, hidden %d, ffn %d, %d samples%n%n",
        result.input(),
        result.ranks(),
        result.options().planner().ranksPerNode(),
        result.experts(),
        result.options().size().hidden(),
        result.options().size().ffn(),
        result.samples());
    writeBalance(out);
    out.println();
    writeCost(out);
  }

  private void writeBalance(PrintWriter out) {
    out.println("Busiest rank over the mean     mean     p99   worst  optimal  capacity  clones");
    for (Summary summary : summaries) {
      out.printf(
          Locale.ROOT,
          "%-26s %8.3f %7.3f %7.3f %7.1f%% %8.2f%s %7.1f%n",
          summary.contender().label(),
          summary.load(),
          summary.loadP99(),
          summary.loadWorst(),
          100 * summary.optimalShare(),
          summary.capacity().factor(),
          summary.capacity().extrapolated() ? "*" : " ",
          summary.clones());
    }
    if (summaries.stream().anyMatch(summary -> summary.capacity().extrapolated())) {
      Summary first = summaries.get(0);
      out.printf(
          Locale.ROOT,
          "* extrapolated: %d steps prove an overflow rate of at most %.2g for the worst need seen%n",
          first.capacity().steps(),
          first.capacity().provenRate());
    }
  }

  private void writeCost(PrintWriter out) {
    out.println(
        "Estimated cost        ms/layer     p99  of none   weights MiB      tokens MiB  plan us");
    out.println("                                                  in    between     in   between");
    double baseline = summaries.get(0).seconds();
    for (Summary summary : summaries) {
      out.printf(
          Locale.ROOT,
          "%-20s %9.3f %7.2f %7.1f%% %7s %8s %8s %8s %8s%n",
          summary.contender().label(),
          1e3 * summary.seconds(),
          1e3 * summary.secondsP99(),
          100 * summary.seconds() / baseline,
          mib(summary.weightsInside()),
          mib(summary.weightsBetween()),
          mib(summary.tokensInside()),
          mib(summary.tokensBetween()),
          summary.planSeconds() == 0
              ? "-"
              : String.format(Locale.ROOT, "%.0f", 1e6 * summary.planSeconds()));
    }
  }

  private static String mib(double bytes) {
    return String.format(Locale.ROOT, bytes < 10 * MIB ? "%.1f" : "%.0f", bytes / MIB);
  }
}
