package io.antiphon.tensor;

/**
 * How a router chooses the experts of a token and weighs them: it takes the experts with the
 * largest {@code scores + bias}, best first, ties to the lowest expert. The bias takes part in the
 * choice only. If the scores of a token are not finite, the choice is still topK distinct experts.
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

  /** Fails unless it can choose among {@code experts}. */
  void requireExperts(long experts) {
    ArgumentChecks.require(
        topK <= experts, "routing must have 1 to " + experts + " experts per token, was " + this);
  }
}
