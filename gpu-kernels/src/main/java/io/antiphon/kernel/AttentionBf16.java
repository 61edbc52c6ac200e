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
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Attention of bf16 on tensor cores: {@code attention_bf16.cu} and its backward. */
final class AttentionBf16 {
  static final List<Integer> HEAD_DIMS = List.of(32, 64, 96, 128);
  private static final int ALIGNMENT = 16;
  static final int THREADS = 128;
  static final int STATISTICS_ROWS = 16;
  private static final int STAGES = 2;

  private final Map<Integer, HeadKernels> kernelsOfHeadDim = new HashMap<>();

  /** Kernels of one head size. */
  private record HeadKernels(
      Kernel attention, Kernel statistics, Kernel queryGradients, Kernel keyGradients) {}

  /**
   * Tile sizes of {@code attention_bf16.cuh}, by the names they have there.
   *
   * @param forwardQueries {@code ForwardTiles::kQueries}, and so on
   */
  record Tiles(
      int headDim,
      int forwardQueries,
      int forwardKeys,
      int queryGradientQueries,
      int queryGradientKeys,
      int keyGradientKeys,
      int keyGradientQueries) {

    static Tiles of(int headDim) {
      boolean small = headDim <= 64;
      return new Tiles(headDim, 128, 64, 128, small ? 64 : 32, small ? 128 : 64, small ? 32 : 64);
    }

    int forwardSharedBytes() {
      return rowBytes(forwardQueries + 2 * forwardKeys);
    }

    int queryGradientSharedBytes() {
      return rowBytes(2 * queryGradientQueries + 2 * STAGES * queryGradientKeys);
    }

    int keyGradientSharedBytes() {
      int statistics =
          keyGradientQueries * (AttentionBackwardCall.STATISTICS_BYTES + Integer.BYTES);
      return rowBytes(2 * keyGradientKeys)
          + STAGES * (rowBytes(2 * keyGradientQueries) + statistics);
    }

    private int rowBytes(int rows) {
      return rows * headDim * DType.BF16.bytes();
    }
  }

  static KernelSource source() {
    return new KernelSource("attention_bf16.cu", named("attention_bf16"), Target.PORTABLE);
  }

  static KernelSource backwardSource() {
    List<String> names = new ArrayList<>();
    names.addAll(named("attention_statistics_bf16"));
    names.addAll(named("attention_query_gradients_bf16"));
    names.addAll(named("attention_key_gradients_bf16"));
    return new KernelSource("attention_backward_bf16.cu", names, Target.PORTABLE);
  }

  AttentionBf16(Kernels kernels) {
    KernelModule forward = kernels.load(source());
    KernelModule backward = kernels.load(backwardSource());
    for (int headDim : HEAD_DIMS) {
      Tiles tiles = Tiles.of(headDim);
      HeadKernels ofHeadDim =
          new HeadKernels(
              forward.kernel(named("attention_bf16", headDim), tiles.forwardSharedBytes()),
              backward.kernel(named("attention_statistics_bf16", headDim)),
              backward.kernel(
                  named("attention_query_gradients_bf16", headDim),
                  tiles.queryGradientSharedBytes()),
              backward.kernel(
                  named("attention_key_gradients_bf16", headDim), tiles.keyGradientSharedBytes()));
      kernelsOfHeadDim.put(headDim, ofHeadDim);
    }
  }

  private static List<String> named(String kernel) {
    return HEAD_DIMS.stream().map(headDim -> named(kernel, headDim)).toList();
  }

  private static String named(String kernel, int headDim) {
    return kernel + "<" + headDim + ">";
  }

  /** Whether the kernels take heads of this size, and rows of these tensors. */
  static boolean takes(int headDim, Tensor... tensors) {
    boolean aligned = true;
    for (Tensor tensor : tensors) {
      aligned &= CudaStorage.address(tensor) % ALIGNMENT == 0;
    }
    return aligned && HEAD_DIMS.contains(headDim);
  }

  void attention(Stream stream, AttentionCall call) {
    Arguments arguments =
        call.inputs()
            .f32(call.scale())
            .address(CudaStorage.address(call.tensors().out()))
            .address(CudaStorage.address(call.tensors().logSumExp()));
    Tiles tiles = Tiles.of(call.shape().headDim());
    kernels(call.shape())
        .attention()
        .launch(
            stream, call.grid(call.shape().heads(), tiles.forwardQueries(), THREADS), arguments);
  }

  void attentionBackward(Stream stream, AttentionBackwardCall call) {
    AttentionShape shape = call.shape();
    AttentionGradients gradients = call.gradients();
    Tiles tiles = Tiles.of(shape.headDim());
    HeadKernels kernels = kernels(shape);
    long statisticsBlocks = (shape.rows() + STATISTICS_ROWS - 1) / STATISTICS_ROWS;
    kernels
        .statistics()
        .launch(
            stream,
            Grid.of(statisticsBlocks, THREADS),
            call.forStatistics().address(call.statistics()));
    kernels
        .queryGradients()
        .launch(
            stream,
            call.forward().grid(shape.heads(), tiles.queryGradientQueries(), THREADS),
            call.forGradients()
                .f32(call.forward().scale())
                .address(CudaStorage.address(gradients.dQ())));
    kernels
        .keyGradients()
        .launch(
            stream,
            call.forward().grid(shape.keyValueHeads(), tiles.keyGradientKeys(), THREADS),
            call.forGradients()
                .f32(call.forward().scale())
                .address(CudaStorage.address(gradients.dK()))
                .address(CudaStorage.address(gradients.dV())));
  }

  private HeadKernels kernels(AttentionShape shape) {
    HeadKernels kernels = kernelsOfHeadDim.get(shape.headDim());
    if (kernels == null) {
      throw new IllegalStateException("headDim must be one of " + HEAD_DIMS + ", was " + shape);
    }
    return kernels;
  }
}
