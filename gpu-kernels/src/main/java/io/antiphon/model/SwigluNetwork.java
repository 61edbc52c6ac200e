package io.antiphon.model;

import io.antiphon.tensor.DType;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Tensor;

/**
 * {@code y += fc2(silu(gate) * up)} with {@code (gate, up) = fc1(x)}: a dense layer, or a shared
 * expert.
 */
final class SwigluNetwork {
  private final Ops ops;
  private final ModelParameters.Ffn parameters;
  private final Tensor gateUp;
  private final Tensor activated;
  private final Tensor dGateUp;
  private final Tensor dActivated;

  SwigluNetwork(
      StepContext context, Buffers buffers, ModelParameters.Ffn parameters, int ffn, String name) {
    this.ops = context.ops();
    this.parameters = parameters;
    DType real = context.real();
    int tokens = context.tokens();
    gateUp = buffers.saved(name + ".gate-up", real, tokens, 2L * ffn);
    activated = buffers.saved(name + ".activated", real, tokens, ffn);
    dGateUp = buffers.scratch(name + ".d-gate-up", real, tokens, 2L * ffn);
    dActivated = buffers.scratch(name + ".d-activated", real, tokens, ffn);
  }

  /** Fills the activations that backward needs. */
  void activate(Tensor x) {
    ops.gemm(false, true, x, parameters.gateUp().weight(), false, gateUp);
    ops.swiglu(gateUp, activated);
  }

  /** Adds the network's output for {@code x} to {@code y}. */
  void forward(Tensor x, Tensor y) {
    activate(x);
    ops.gemm(false, true, activated, parameters.down().weight(), true, y);
  }

  /** Adds the gradient of {@code x} to {@code dX}, and the gradients of the weights. */
  void backward(Tensor x, Tensor dY, Tensor dX) {
    ops.gemm(false, false, dY, parameters.down().weight(), false, dActivated);
    ops.gemm(true, false, dY, activated, true, parameters.down().gradient());
    ops.swigluBackward(gateUp, dActivated, dGateUp);
    ops.gemm(false, false, dGateUp, parameters.gateUp().weight(), true, dX);
    ops.gemm(true, false, dGateUp, x, true, parameters.gateUp().gradient());
  }
}
