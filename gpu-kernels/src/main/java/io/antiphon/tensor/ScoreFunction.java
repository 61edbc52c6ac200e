package io.antiphon.tensor;

/** What a router makes of its logits: scores, which decide on the experts, and probabilities. */
public enum ScoreFunction {
  /** Scores are the softmax over all experts; probabilities are the scores of the chosen ones. */
  SOFTMAX,
  /**
   * Scores are the softmax over all experts; probabilities are the softmax over the logits of the
   * chosen ones.
   */
  SOFTMAX_OF_CHOSEN
}
