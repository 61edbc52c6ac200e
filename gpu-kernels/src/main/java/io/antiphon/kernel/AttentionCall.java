package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.tensor.AttentionShape;
import io.antiphon.tensor.AttentionTensors;

/** One attention, or its backward, as kernels take it. */
record AttentionCall(AttentionShape shape, AttentionTensors tensors) {
  static AttentionCall of(AttentionTensors tensors) {
    return new AttentionCall(tensors.shape(), tensors);
  }

  /** Arguments up to the sizes that all kernels take. */
  Arguments inputs() {
    return withSizes(heads());
  }

  /** Arguments up to the sizes that all kernels take which write gradients. */
  Arguments inputs(long dOut, long statistics) {
    return withSizes(heads().address(dOut).address(statistics));
  }

  private Arguments heads() {
    return new Arguments()
        .address(CudaStorage.address(tensors.q()))
        .address(CudaStorage.address(tensors.k()))
        .address(CudaStorage.address(tensors.v()))
        .address(CudaStorage.address(tensors.documentStarts()));
  }

  private Arguments withSizes(Arguments arguments) {
    return arguments
        .i32(shape.sequences())
        .i32(shape.sequenceLength())
        .i32(shape.heads())
        .i32(shape.keyValueHeads());
  }

  float scale() {
    return (float) shape.scale();
  }

  /** Blocks for {@code rows} tokens of one head each; {@code heads} heads. */
  Grid grid(int heads, int rows, int threads) {
    long blocks = (shape.sequenceLength() + rows - 1L) / rows;
    return Grid.of(
        Math.multiplyExact(Math.multiplyExact(blocks, shape.sequences()), heads), threads);
  }
}
