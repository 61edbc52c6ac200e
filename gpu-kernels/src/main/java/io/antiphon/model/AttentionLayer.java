package io.antiphon.model;

import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Tensor;

/** Causal grouped-query attention with rotary positions, inside documents. */
final class AttentionLayer implements Layer {
  private final Ops ops;
  private final ModelOptions options;
  private final double ropeTheta;
  private final ModelParameters.Attention parameters;
  private final Tensor documentStarts;
  private final Tensor inverseRms;
  private final Tensor normed;
  private final Tensor q;
  private final Tensor k;
  private final Tensor v;
  private final Tensor attended;
  private final AttentionTensors tensors;
  private final Tensor dNormed;
  private final Tensor dAttended;
  private final Tensor dQ;
  private final Tensor dK;
  private final Tensor dV;
  private final AttentionGradients gradients;

  AttentionLayer(
      StepContext context,
      ModelParameters.Attention parameters,
      Tensor documentStarts,
      String layer) {
    this.ops = context.ops();
    this.options = context.model();
    AttentionOptions attention = options.attention().orElseThrow();
    this.ropeTheta = attention.ropeTheta();
    this.parameters = parameters;
    this.documentStarts = documentStarts;
    Buffers buffers = new Buffers(context, layer + ".attention");
    DType real = context.real();
    int tokens = context.tokens();
    int hidden = options.hidden();
    int heads = attention.heads();
    int keyHeads = attention.keyValueHeads();
    int dim = attention.headDim();
    inverseRms = buffers.saved("attention.inverse-rms", context.master(), tokens);
    normed = buffers.saved("attention.normed", real, tokens, hidden);
    q = buffers.saved("attention.q", real, tokens, heads, dim);
    k = buffers.saved("attention.k", real, tokens, keyHeads, dim);
    v = buffers.saved("attention.v", real, tokens, keyHeads, dim);
    attended = buffers.saved("attention.attended", real, tokens, heads, dim);
    Tensor logSumExp = buffers.saved("attention.log-sum-exp", context.master(), tokens, heads);
    tensors =
        new AttentionTensors(
            q, k, v, documentStarts, options.sequenceLength(), attended, logSumExp);
    dNormed = buffers.scratch("d-normed", real, tokens, hidden);
    dAttended = buffers.scratch("d-attended", real, tokens, heads, dim);
    dQ = buffers.scratch("d-q", real, tokens, heads, dim);
    dK = buffers.scratch("d-k", real, tokens, keyHeads, dim);
    dV = buffers.scratch("d-v", real, tokens, keyHeads, dim);
    gradients = new AttentionGradients(dAttended, dQ, dK, dV);
  }

  @Override
  public void forward(Tensor x, Tensor y, Pass pass) {
    ops.rmsNorm(x, parameters.norm().weight(), options.normEpsilon(), normed, inverseRms);
    project(parameters.q(), q);
    project(parameters.k(), k);
    project(parameters.v(), v);
    ops.rope(q, documentStarts, options.sequenceLength(), ropeTheta, false);
    ops.rope(k, documentStarts, options.sequenceLength(), ropeTheta, false);
    ops.attention(tensors);
    ops.copy(x, y);
    ops.gemm(false, true, flat(attended), parameters.out().weight(), true, y);
  }

  @Override
  public void backward(Tensor x, Tensor dX) {
    ops.gemm(false, false, dX, parameters.out().weight(), false, flat(dAttended));
    ops.gemm(true, false, dX, flat(attended), true, parameters.out().gradient());
    ops.attentionBackward(tensors, gradients);
    ops.rope(dQ, documentStarts, options.sequenceLength(), ropeTheta, true);
    ops.rope(dK, documentStarts, options.sequenceLength(), ropeTheta, true);
    projectBackward(parameters.q(), dQ, false);
    projectBackward(parameters.k(), dK, true);
    projectBackward(parameters.v(), dV, true);
    ops.rmsNormBackward(
        x, parameters.norm().weight(), inverseRms, dNormed, dX, parameters.norm().gradient());
  }

  private void project(Parameter weight, Tensor into) {
    ops.gemm(false, true, normed, weight.weight(), false, flat(into));
  }

  private void projectBackward(Parameter weight, Tensor gradient, boolean accumulate) {
    ops.gemm(false, false, flat(gradient), weight.weight(), accumulate, dNormed);
    ops.gemm(true, false, flat(gradient), normed, true, weight.gradient());
  }

  /** {@code [tokens, heads, headDim]} as {@code [tokens, heads * headDim]}. */
  private static Tensor flat(Tensor tensor) {
    return tensor.reshape(tensor.shape().extent(0), tensor.shape().rowElements());
  }
}
