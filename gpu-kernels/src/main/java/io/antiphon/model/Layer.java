package io.antiphon.model;

import io.antiphon.tensor.Tensor;

/** Half a transformer block around the residual stream: {@code y = x + f(norm(x))}. */
interface Layer {
  /**
   * Whether a forward is the first of its micro-batch or fills saved activations again for
   * backward.
   */
  enum Pass {
    /** The first: routes and plans. */
    FORWARD,
    /** A repetition for backward: must take the decisions of the first pass as they are. */
    RECOMPUTE
  }

  /**
   * Enqueues the forward.
   *
   * @param x real {@code [tokens, hidden]}, read; must still hold the same values at backward
   * @param y real {@code [tokens, hidden]}, written; left alone by the second half of a block when
   *     it is recomputed, since backward does not read it
   */
  void forward(Tensor x, Tensor y, Pass pass);

  /**
   * Enqueues the backward; adds the gradients of this layer's weights.
   *
   * @param x as in forward, read
   * @param dX real {@code [tokens, hidden]}: holds the gradient of y, becomes the gradient of x
   */
  void backward(Tensor x, Tensor dX);
}
