package io.antiphon.kernel;

import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionShape;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/** Attention: on tensor cores where type, head size and alignment allow, otherwise in fp32. */
final class Attention implements OpParts.Attention {
  private final CudaQueue queue;
  private final Rope rope;
  private final AttentionAny any;
  private final Optional<AttentionBf16> tensorCores;

  static List<KernelSource> sources(DType real) {
    return real == DType.BF16
        ? List.of(
            AttentionAny.source(real),
            AttentionAny.backwardSource(real),
            AttentionBf16.source(),
            AttentionBf16.backwardSource())
        : List.of(AttentionAny.source(real), AttentionAny.backwardSource(real));
  }

  Attention(CudaQueue queue, Kernels kernels, DType real) {
    this.queue = queue;
    rope = new Rope(kernels, real);
    any = new AttentionAny(kernels, real);
    tensorCores = real == DType.BF16 ? Optional.of(new AttentionBf16(kernels)) : Optional.empty();
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    rope.turn(queue.forOperation(), x, documentStarts, sequenceLength, theta, inverse);
  }

  @Override
  public void attention(AttentionTensors tensors) {
    Stream stream = queue.forOperation();
    if (tensors.q().elements() == 0) {
      return;
    }
    AttentionCall call = AttentionCall.of(tensors);
    int headDim = call.shape().headDim();
    if (tensorCores.isPresent()
        && AttentionBf16.takes(headDim, tensors.q(), tensors.k(), tensors.v(), tensors.out())) {
      tensorCores.get().attention(stream, call);
    } else {
      requireHeadDim(call.shape());
      any.attention(stream, call);
    }
  }

  @Override
  public void attentionBackward(AttentionTensors tensors, AttentionGradients gradients) {
    Stream stream = queue.forOperation();
    if (tensors.k().elements() == 0) {
      return;
    }
    AttentionCall call = AttentionCall.of(tensors);
    AttentionShape shape = call.shape();
    boolean onTensorCores =
        tensorCores.isPresent()
            && shape.heads() > 0
            && AttentionBf16.takes(
                shape.headDim(),
                tensors.q(),
                tensors.k(),
                tensors.v(),
                tensors.out(),
                gradients.dOut(),
                gradients.dQ(),
                gradients.dK(),
                gradients.dV());
    if (!onTensorCores) {
      requireHeadDim(shape);
    }
    long statistics = stream.scratch(shape.rows() * AttentionBackwardCall.STATISTICS_BYTES);
    AttentionBackwardCall backward = new AttentionBackwardCall(call, gradients, statistics);
    if (onTensorCores) {
      tensorCores.get().attentionBackward(stream, backward);
    } else {
      any.attentionBackward(stream, backward);
    }
  }

  private static void requireHeadDim(AttentionShape shape) {
    if (shape.headDim() > AttentionAny.MAX_HEAD_DIM) {
      throw new IllegalArgumentException(
          "headDim of attention on a device must be at most "
              + AttentionAny.MAX_HEAD_DIM
              + ", was "
              + shape.headDim());
    }
  }
}
