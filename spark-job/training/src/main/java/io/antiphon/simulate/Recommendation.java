package io.antiphon.simulate;

import io.antiphon.simulate.ContenderResult.Summary;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What to set, and what it should bring.
 *
 * @param slotsPerRank 0 for no clones
 * @param planner name of the planner
 * @param tokenCapacity value for {@code moe.token-capacity}
 * @param sentences the advice with the numbers it rests on
 */
public record Recommendation(
    int slotsPerRank, String planner, double tokenCapacity, List<String> sentences) {
  /** Times that differ by less than this share count as equal. */
  private static final double NEGLIGIBLE = 0.01;

  private static final double MIB = 1 << 20;

  public Recommendation {
    sentences = List.copyOf(sentences);
  }

  /** Advice from a comparison. */
  public static Recommendation of(SimulationResult result) {
    List<Summary> summaries = result.summaries();
    Summary baseline = summaries.get(0);
    Summary perfect = summaries.get(summaries.size() - 1);
    Optional<Summary> chosen = choose(summaries);
    if (chosen.isEmpty() || chosen.get().seconds() > baseline.seconds() * (1 - NEGLIGIBLE)) {
      return withoutClones(baseline, perfect, chosen);
    }
    return withClones(result, baseline, perfect, chosen.get());
  }

  /** The fewest slots that are about as fast as the fastest; of their planners the fastest. */
  private static Optional<Summary> choose(List<Summary> summaries) {
    List<Summary> echo =
        summaries.stream().filter(summary -> summary.contender().isEcho()).toList();
    double fastest =
        echo.stream().mapToDouble(Summary::seconds).min().orElse(Double.POSITIVE_INFINITY);
    Summary best = null;
    for (Summary summary : echo) {
      boolean fast = summary.seconds() <= fastest * (1 + NEGLIGIBLE);
      if (fast
          && (best == null
              || summary.contender().slotsPerRank() < best.contender().slotsPerRank()
              || (summary.contender().slotsPerRank() == best.contender().slotsPerRank()
                  && summary.seconds() < best.seconds()))) {
        best = summary;
      }
    }
    return Optional.ofNullable(best);
  }

  private static Recommendation withClones(
      SimulationResult result, Summary baseline, Summary perfect, Summary chosen) {
    int slots = chosen.contender().slotsPerRank();
    double capacity = roundedUp(chosen.capacity().factor());
    double without = roundedUp(baseline.capacity().factor());
    CostModel cost = result.options().cost();
    double slotMib = result.options().size().parameters() * cost.weightBytes() / MIB * slots;
    List<String> sentences = new ArrayList<>();
    sentences.add(
        text(
            "%d %s per rank and moe.token-capacity = %.2f: set moe.echo.slots-per-rank = %d and"
                + " moe.echo.planner = %s.",
            slots, slots == 1 ? "slot" : "slots", capacity, slots, chosen.contender().name()));
    sentences.add(
        text(
            "An MoE layer should then take %.2f ms per micro-batch instead of %.2f ms (%.2f times"
                + " as fast; with perfect balance it would take %.2f ms), because the busiest rank"
                + " has %.3f times the mean load instead of %.2f.",
            1e3 * chosen.seconds(),
            1e3 * baseline.seconds(),
            baseline.seconds() / chosen.seconds(),
            1e3 * perfect.seconds(),
            chosen.load(),
            baseline.load()));
    sentences.add(
        text(
            "Row buffers shrink from %.2f to %.2f times the mean (%.0f %% less memory); the slots"
                + " take %.0f MiB of weights on each rank. The capacity is %s.",
            without,
            capacity,
            100 * (1 - capacity / without),
            slotMib,
            chosen.capacity().explanation()));
    sentences.add(
        text(
            "It costs %.1f clones per layer and micro-batch, %.1f MiB of weights and gradients"
                + " inside nodes and %.1f MiB between them, over all ranks.",
            chosen.clones(), chosen.weightsInside() / MIB, chosen.weightsBetween() / MIB));
    result.summaries().stream()
        .filter(summary -> summary.contender().name().equals(Contender.EPLB))
        .filter(summary -> summary.seconds() < chosen.seconds() * (1 - NEGLIGIBLE))
        .min(Comparator.comparingDouble(Summary::seconds))
        .ifPresent(
            eplb ->
                sentences.add(
                    text(
                        "Replicas placed from past steps (%s) would take %.2f ms with a capacity of"
                            + " %.2f: these loads hardly move. Antiphon plans every micro-batch"
                            + " instead.",
                        eplb.contender().label(),
                        1e3 * eplb.seconds(),
                        roundedUp(eplb.capacity().factor()))));
    return new Recommendation(slots, chosen.contender().name(), capacity, sentences);
  }

  private static Recommendation withoutClones(
      Summary baseline, Summary perfect, Optional<Summary> best) {
    double capacity = roundedUp(baseline.capacity().factor());
    List<String> sentences = new ArrayList<>();
    sentences.add(
        text("No clones and moe.token-capacity = %.2f: set moe.echo.enabled = false.", capacity));
    String echo =
        best.map(
                summary ->
                    text(
                        "the best planner, %s, would take %.2f ms",
                        summary.contender().label(), 1e3 * summary.seconds()))
            .orElse("no planner with slots was compared");
    sentences.add(
        text(
            "An MoE layer takes %.2f ms per micro-batch; %s, perfect balance %.2f ms. The busiest"
                + " rank has %.3f times the mean load.",
            1e3 * baseline.seconds(), echo, 1e3 * perfect.seconds(), baseline.load()));
    if (best.isPresent() && best.get().load() < baseline.load() * (1 - NEGLIGIBLE)) {
      sentences.add(
          text(
              "Clones would even out the load (%.3f) but their weights cost more time than that"
                  + " saves at this size: try more --tokens per rank, or links.* and weights.* in"
                  + " --cost.",
              best.get().load()));
    }
    sentences.add(text("The capacity is %s.", baseline.capacity().explanation()));
    return new Recommendation(0, baseline.contender().name(), capacity, sentences);
  }

  private static double roundedUp(double factor) {
    return Math.ceil(100 * factor - 1e-9) / 100;
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
