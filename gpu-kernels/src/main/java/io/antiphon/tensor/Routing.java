package io.antiphon.tensor;

/**
 * How a router chooses the experts of a token and weighs them.
 *
 * @param topK experts per token; at least 1
 * @param scoreFunction makes scores and probabilities of the logits
 */
public record Routing(int topK, ScoreFunction scoreFunction) {
  /** Checks topK. */
  public Routing {
    if (topK < 1) {
      throw new IllegalArgumentException("topK must be at least 1, was " + topK);
    }
  }
}
