package io.antiphon.simulate;

import java.util.List;

/**
 * Outcome of a comparison.
 *
 * @param input what the counts were
 * @param ranks of the group
 * @param experts of a layer
 * @param options what was compared
 * @param contenders results, the baseline first, perfect balance last
 */
public record SimulationResult(
    String input,
    int ranks,
    int experts,
    SimulationOptions options,
    List<ContenderResult> contenders) {
  public SimulationResult {
    contenders = List.copyOf(contenders);
  }

  /** Layers and micro-batches that count; the first step does not, where EPLB takes part. */
  public int samples() {
    return contenders.get(0).measurements().size();
  }

  /** One line per contender. */
  public List<ContenderResult.Summary> summaries() {
    return contenders.stream().map(ContenderResult::summary).toList();
  }
}
