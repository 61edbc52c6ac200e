package io.antiphon.model;

import io.antiphon.tensor.DType;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Tensor;

/** Top-k softmax router of one layer, in the backend's master precision. */
final class Router {
  private final Ops ops;
  private final RouterOptions options;
  private final BatchOptions batch;
  private final Parameter weight;
  private final RouterState routerState;
  private final Tensor logits;
  private final Tensor scores;
  private final Tensor topExperts;
  private final Tensor probs;
  private final Tensor dLogits;
  private final Tensor dLogitsReal;
  private final Tensor losses;

  /**
   * What outlives the activations of a layer's router.
   *
   * @param bias master type {@code [experts]}: auxiliary-loss-free bias, part of the checkpoint
   * @param skew master type {@code [experts]}: fixed offset of the logits, zero unless demonstrated
   */
  record RouterState(Tensor bias, Tensor skew) {}

  /**
   * @param losses F64 {@code [2]}: auxiliary loss and z-loss of the step, added to
   */
  Router(
      StepContext context,
      Buffers buffers,
      Parameter weight,
      RouterState routerState,
      Tensor losses) {
    this.ops = context.ops();
    this.options = context.model().moe().router();
    this.batch = context.batch();
    this.weight = weight;
    this.routerState = routerState;
    this.losses = losses;
    int tokens = context.tokens();
    int experts = context.model().moe().experts();
    int topK = options.routing().topK();
    DType master = context.master();
    logits = buffers.kept("logits", master, tokens, experts);
    scores = buffers.kept("scores", master, tokens, experts);
    topExperts = buffers.kept("top-experts", DType.I32, tokens, topK);
    probs = buffers.kept("probs", master, tokens, topK);
    dLogits = buffers.scratch("router.d-logits", master, tokens, experts);
    dLogitsReal =
        context.real() == master
            ? dLogits
            : buffers.scratch("router.d-logits-real", context.real(), tokens, experts);
  }

  void forward(Tensor normed) {
    ops.gemm(false, true, normed, weight.weight(), false, logits);
    if (options.skew() > 0) {
      ops.addRow(routerState.skew(), logits);
    }
    ops.route(logits, routerState.bias(), options.routing(), scores, topExperts, probs);
  }

  /**
   * Adds the gradient of {@code normed} to {@code dNormed}; {@code dProbs} is {@code [tokens,
   * topK]}.
   */
  void backward(Tensor normed, Tensor dProbs, Tensor dNormed) {
    ops.routerLosses(
        logits,
        scores,
        topExperts,
        options.routing(),
        batch.sequenceLength(),
        options.auxLoss() / batch.globalBatch(),
        options.zLoss() / batch.globalTokens(),
        dLogits,
        losses);
    ops.routeBackward(scores, topExperts, probs, options.routing(), dProbs, dLogits);
    if (dLogitsReal != dLogits) {
      ops.copy(dLogits, dLogitsReal);
    }
    ops.gemm(true, false, dLogitsReal, normed, true, weight.gradient());
    ops.gemm(false, false, dLogitsReal, weight.weight(), true, dNormed);
  }

  Tensor topExperts() {
    return topExperts;
  }

  Tensor probs() {
    return probs;
  }
}
