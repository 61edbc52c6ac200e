package io.antiphon.train;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.LayerLoad;
import java.io.Serializable;
import java.util.List;

/**
 * The loss on a text and the loads it took to measure it.
 *
 * @param metrics the loss
 * @param sequences that were evaluated
 * @param layers loads of the mixture-of-experts layers over all passes; empty for a dense model
 * @param reruns passes that ran again with more row capacity
 */
public record Evaluation(
    EvaluationMetrics metrics, long sequences, List<LayerLoad> layers, int reruns)
    implements Serializable {
  public Evaluation {
    layers = List.copyOf(layers);
  }
}
