package io.antiphon.kernel;

import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/** Attention: on tensor cores where type, head size and alignment allow, otherwise in fp32. */
final class Attention {
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

  Attention(Kernels kernels, DType real) {
    any = new AttentionAny(kernels, real);
    tensorCores = real == DType.BF16 ? Optional.of(new AttentionBf16(kernels)) : Optional.empty();
  }

  void attention(
      Stream stream,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor documentStarts,
      int sequenceLength,
      Tensor out,
      Tensor logSumExp) {
    if (q.elements() == 0) {
      return;
    }
    AttentionShape shape = AttentionShape.of(q, k, sequenceLength);
    if (tensorCores.isPresent() && AttentionBf16.takes(shape.headDim(), q, k, v, out)) {
      tensorCores.get().attention(stream, shape, q, k, v, documentStarts, out, logSumExp);
    } else {
      requireHeadDim(shape);
      any.attention(stream, shape, q, k, v, documentStarts, out, logSumExp);
    }
  }

  void attentionBackward(
      Stream stream,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor documentStarts,
      int sequenceLength,
      Tensor out,
      Tensor logSumExp,
      Tensor dOut,
      Tensor dQ,
      Tensor dK,
      Tensor dV) {
    if (k.elements() == 0) {
      return;
    }
    AttentionShape shape = AttentionShape.of(q, k, sequenceLength);
    boolean onTensorCores =
        tensorCores.isPresent()
            && shape.heads() > 0
            && AttentionBf16.takes(shape.headDim(), q, k, v, out, dOut, dQ, dK, dV);
    if (!onTensorCores) {
      requireHeadDim(shape);
    }
    long statistics = stream.scratch(shape.rows() * AttentionGradients.STATISTICS_BYTES);
    AttentionGradients tensors =
        new AttentionGradients(
            q, k, v, documentStarts, out, logSumExp, dOut, dQ, dK, dV, statistics);
    if (onTensorCores) {
      tensorCores.get().attentionBackward(stream, shape, tensors);
    } else {
      any.attentionBackward(stream, shape, tensors);
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
