package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.tensor.Tensor;

/**
 * Tensors of a backward.
 *
 * @param statistics scratch memory, {@link #STATISTICS_BYTES} a row of queries
 */
record AttentionGradients(
    Tensor q,
    Tensor k,
    Tensor v,
    Tensor documentStarts,
    Tensor out,
    Tensor logSumExp,
    Tensor dOut,
    Tensor dQ,
    Tensor dK,
    Tensor dV,
    long statistics) {
  /** Two fp32: logarithm of the sum of exponentials, and product of the output and its gradient. */
  static final int STATISTICS_BYTES = 8;

  /** Arguments of the kernel that writes the statistics, up to the sizes. */
  Arguments forStatistics(AttentionShape shape) {
    return new Arguments()
        .address(CudaStorage.address(out))
        .address(CudaStorage.address(dOut))
        .address(CudaStorage.address(logSumExp))
        .i64(shape.tokens())
        .i32(shape.heads());
  }

  /** Arguments of the kernels that write gradients, up to the sizes that all take. */
  Arguments forGradients(AttentionShape shape) {
    Arguments arguments =
        new Arguments()
            .address(CudaStorage.address(q))
            .address(CudaStorage.address(k))
            .address(CudaStorage.address(v))
            .address(CudaStorage.address(documentStarts))
            .address(CudaStorage.address(dOut))
            .address(statistics);
    return shape.addTo(arguments);
  }
}
