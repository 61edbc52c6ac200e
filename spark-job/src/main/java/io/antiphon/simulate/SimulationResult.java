package io.antiphon.simulate;

import java.util.List;

/**
 * Outcome of a comparison.
 *
 * @param input what the counts were
 * @param ranks of the group
 * @param experts of a layer
 * @param samples layers and micro-batches seen
 * @param options what was compared
 * @param contenders results, the baseline first, perfect balance last
 */
public record SimulationResult(
    String input,
    int ranks,
    int experts,
    long samples,
    SimulationOptions options,
    List<ContenderResult> contenders) {
  public SimulationResult {
    contenders = List.copyOf(contenders);
  }

  /** One line per contender. */
  public List<ContenderResult.Summary> summaries() {
    return contenders.stream().map(ContenderResult::summary).toList();
  }
}
