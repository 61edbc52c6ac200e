package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionShape;

/**
 * The backward of one attention as kernels take it.
 *
 * @param statistics scratch memory, {@link #STATISTICS_BYTES} a row of queries
 */
record AttentionBackwardCall(AttentionCall forward, AttentionGradients gradients, long statistics) {
  /** Two fp32: logarithm of the sum of exponentials, and product of the output and its gradient. */
  static final int STATISTICS_BYTES = 8;

  AttentionShape shape() {
    return forward.shape();
  }

  /** Arguments of the kernel that writes the statistics, up to the sizes. */
  Arguments forStatistics() {
    return new Arguments()
        .address(CudaStorage.address(forward.tensors().out()))
        .address(CudaStorage.address(gradients.dOut()))
        .address(CudaStorage.address(forward.tensors().logSumExp()))
        .i64(shape().tokens())
        .i32(shape().heads());
  }

  /** Arguments of the kernels that write gradients, up to the sizes that all take. */
  Arguments forGradients() {
    return forward.inputs(CudaStorage.address(gradients.dOut()), statistics);
  }
}
