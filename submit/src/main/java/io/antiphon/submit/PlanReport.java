package io.antiphon.submit;

import io.antiphon.plan.EchoClone;
import io.antiphon.plan.EchoPlan;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.RankLoads;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Locale;

/** One plan as a user sees it: a line of JSON, or tables. */
final class PlanReport {
  private final EchoPlan plan;
  private final int[] before;
  private final int[] after;

  PlanReport(EchoPlan plan, int[] counts) {
    PlanShape shape = plan.shape();
    this.plan = plan;
    this.before = new int[shape.ranks()];
    this.after = new int[shape.ranks()];
    RankLoads.before(shape, counts, before);
    RankLoads.after(plan, counts, after);
  }

  /** One object on one line. */
  void writeJson(PrintWriter out) {
    int slots = plan.shape().slots();
    out.print("{\"slotHome\": ");
    writeArray(out, plan.slotHome(), 0, slots);
    out.print(", \"quota\": ");
    writeArray(out, plan.quota(), 0, slots);
    out.print(", \"toSlot\": [");
    for (int rank = 0; rank < plan.shape().ranks(); rank++) {
      out.print(rank == 0 ? "" : ", ");
      writeArray(out, plan.toSlot(), rank * slots, slots);
    }
    out.print("], \"rankLoadBefore\": ");
    writeArray(out, before, 0, before.length);
    out.print(", \"rankLoadAfter\": ");
    writeArray(out, after, 0, after.length);
    out.println(", \"clones\": " + plan.cloneCount() + "}");
  }

  /**
   * Load of every rank, then every clone.
   *
   * @param source where the counts stood
   * @param planner name of the planner
   */
  void writeTable(String source, String planner, PrintWriter out) {
    PlanShape shape = plan.shape();
    out.printf(
        Locale.ROOT,
        "%s: ranks %d, experts %d, slots per rank %d, planner %s%n%n",
        source,
        shape.ranks(),
        shape.experts(),
        shape.slotsPerRank(),
        planner);
    out.println("    rank  load before   load after");
    for (int rank = 0; rank < shape.ranks(); rank++) {
      out.printf(Locale.ROOT, "%8d %12d %12d%n", rank, before[rank], after[rank]);
    }
    out.printf("max/mean %12s %12s%n%n", imbalance(before), imbalance(after));
    if (plan.cloneCount() == 0) {
      out.println("no clones");
    } else {
      out.println("    slot      on rank       expert    home rank  assignments");
    }
    for (EchoClone echo : plan.clones()) {
      out.printf(
          Locale.ROOT,
          "%8d %12d %12d %12d %12d%n",
          echo.slot(),
          shape.slotRank(echo.slot()),
          echo.homeExpert(),
          shape.homeRank(echo.homeExpert()),
          echo.quota());
    }
  }

  private static String imbalance(int[] loads) {
    double mean = Arrays.stream(loads).average().orElseThrow();
    double max = Arrays.stream(loads).max().orElseThrow();
    return mean == 0 ? "no load" : String.format(Locale.ROOT, "%.3f", max / mean);
  }

  private static void writeArray(PrintWriter out, int[] values, int first, int length) {
    out.print('[');
    for (int i = 0; i < length; i++) {
      if (i > 0) {
        out.print(", ");
      }
      out.print(values[first + i]);
    }
    out.print(']');
  }
}
