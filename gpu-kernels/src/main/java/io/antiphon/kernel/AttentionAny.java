package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.KernelSource.Target;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionShape;
import io.antiphon.tensor.DType;
import java.util.List;

/** Attention of any type and head size in fp32: {@code attention.cu} and its backward. */
final class AttentionAny {
  /** The largest head, as {@code attention_any.cuh} has it. */
  static final int MAX_HEAD_DIM = 256;

  static final int THREADS = 128;
  static final int BLOCK_ROWS = 8;
  static final int TILE_ROWS = 32;
  private static final int STATISTICS_ROWS = THREADS / 32;
  private static final int ROW_BYTES = (MAX_HEAD_DIM + 1) * Float.BYTES;
  static final int FORWARD_SHARED_BYTES = (BLOCK_ROWS + 2 * TILE_ROWS) * ROW_BYTES;
  static final int BACKWARD_SHARED_BYTES = 2 * (BLOCK_ROWS + TILE_ROWS) * ROW_BYTES;

  private final Kernel attention;
  private final Kernel statistics;
  private final Kernel queryGradients;
  private final Kernel keyGradients;

  static KernelSource source(DType real) {
    return new KernelSource("attention.cu", List.of(named("attention", real)), Target.PORTABLE);
  }

  static KernelSource backwardSource(DType real) {
    List<String> names =
        List.of(
            named("attention_statistics", real),
            named("attention_query_gradients", real),
            named("attention_key_gradients", real));
    return new KernelSource("attention_backward.cu", names, Target.PORTABLE);
  }

  AttentionAny(Kernels kernels, DType real) {
    attention = kernels.load(source(real)).kernel(named("attention", real), FORWARD_SHARED_BYTES);
    KernelModule backward = kernels.load(backwardSource(real));
    statistics = backward.kernel(named("attention_statistics", real));
    queryGradients =
        backward.kernel(named("attention_query_gradients", real), BACKWARD_SHARED_BYTES);
    keyGradients = backward.kernel(named("attention_key_gradients", real), BACKWARD_SHARED_BYTES);
  }

  private static String named(String kernel, DType real) {
    return kernel + (real == DType.BF16 ? "<bf16>" : "<float>");
  }

  void attention(Stream stream, AttentionCall call) {
    Arguments arguments =
        call.inputs()
            .i32(call.shape().headDim())
            .f32(call.scale())
            .address(CudaStorage.address(call.tensors().out()))
            .address(CudaStorage.address(call.tensors().logSumExp()));
    attention.launch(stream, call.grid(call.shape().heads(), BLOCK_ROWS, THREADS), arguments);
  }

  void attentionBackward(Stream stream, AttentionBackwardCall call) {
    AttentionShape shape = call.shape();
    AttentionGradients gradients = call.gradients();
    if (shape.heads() > 0) {
      long statisticsBlocks = (shape.rows() + STATISTICS_ROWS - 1) / STATISTICS_ROWS;
      statistics.launch(
          stream,
          Grid.of(statisticsBlocks, THREADS),
          call.forStatistics().i32(shape.headDim()).address(call.statistics()));
      queryGradients.launch(
          stream,
          call.forward().grid(shape.heads(), BLOCK_ROWS, THREADS),
          call.forGradients()
              .i32(shape.headDim())
              .f32(call.forward().scale())
              .address(CudaStorage.address(gradients.dQ())));
    }
    keyGradients.launch(
        stream,
        call.forward().grid(shape.keyValueHeads(), BLOCK_ROWS, THREADS),
        call.forGradients()
            .i32(shape.headDim())
            .f32(call.forward().scale())
            .address(CudaStorage.address(gradients.dK()))
            .address(CudaStorage.address(gradients.dV())));
  }
}
