package io.antiphon.tensor;

/** Where the router's softmax stands relative to the choice of experts. */
public enum ScoreOrder {
  /** Probabilities are the softmax over all experts, taken at the chosen ones. */
  SOFTMAX_THEN_TOP_K,
  /** Probabilities are the softmax over the logits of the chosen experts only. */
  TOP_K_THEN_SOFTMAX
}
