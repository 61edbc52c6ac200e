package io.antiphon.model;

/**
 * Mixture-of-experts layers.
 *
 * @param experts logical experts of a layer; 0 for a model without
 * @param expertFfn width of one expert
 * @param sharedFfn width of the expert that sees every token; 0 for none
 * @param router chooses the experts of a token
 * @param echo clones of hot experts
 */
public record MoeOptions(
    int experts, int expertFfn, int sharedFfn, RouterOptions router, EchoOptions echo) {
  /** Experts per token. */
  public int topK() {
    return router.routing().topK();
  }
}
