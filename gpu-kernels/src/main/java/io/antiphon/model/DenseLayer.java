package io.antiphon.model;

import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Tensor;

/** A dense SwiGLU feed-forward network with its norm. */
final class DenseLayer implements Layer {
  private final Ops ops;
  private final ModelOptions options;
  private final Parameter norm;
  private final SwigluNetwork network;
  private final Tensor inverseRms;
  private final Tensor normed;
  private final Tensor dNormed;

  DenseLayer(StepContext context, Parameter norm, ModelParameters.Ffn parameters, String layer) {
    this.ops = context.ops();
    this.options = context.model();
    this.norm = norm;
    Buffers buffers = new Buffers(context, layer + ".dense");
    network = new SwigluNetwork(context, buffers, parameters, options.denseFfn(), "dense");
    int tokens = context.tokens();
    inverseRms = buffers.saved("ffn.inverse-rms", context.master(), tokens);
    normed = buffers.saved("ffn.normed", context.real(), tokens, options.hidden());
    dNormed = buffers.scratch("d-normed", context.real(), tokens, options.hidden());
  }

  @Override
  public void forward(Tensor x, Tensor y, Pass pass) {
    ops.rmsNorm(x, norm.weight(), options.normEpsilon(), normed, inverseRms);
    if (pass == Pass.RECOMPUTE) {
      network.activate(normed);
      return;
    }
    ops.copy(x, y);
    network.forward(normed, y);
  }

  @Override
  public void backward(Tensor x, Tensor dX) {
    ops.zero(dNormed);
    network.backward(normed, dX, dNormed);
    ops.rmsNormBackward(x, norm.weight(), inverseRms, dNormed, dX, norm.gradient());
  }
}
