package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Auxiliary losses of the router: router_losses.cu. */
final class RouterLossKernels {
  static final int THREADS = 256;
  static final int SUM_THREADS = 1024;
  private static final int WARP = 32;
  static final int CHUNK = 64;

  private final Device device;
  private final KernelModule module;
  private final Kernel share;
  private final Kernel differentiateSoftmax;
  private final Kernel add;

  RouterLossKernels(Kernels kernels) {
    device = kernels.device();
    module = kernels.load(source());
    share = module.kernel("share_experts");
    differentiateSoftmax = module.kernel("differentiate_losses");
    add = module.kernel("add_losses");
  }

  static KernelSource source() {
    return new KernelSource(
        "router_losses.cu",
        List.of("sum_chunks", "share_experts", "differentiate_losses", "add_losses"),
        KernelSource.Target.PORTABLE);
  }

  private Kernel differentiate(ScoreFunction function) {
    return switch (function) {
      case SOFTMAX, SOFTMAX_OF_CHOSEN -> differentiateSoftmax;
    };
  }

  void enqueue(
      Stream stream,
      Tensor logits,
      Tensor scores,
      Tensor topExperts,
      Routing routing,
      int sequenceLength,
      double auxScale,
      double zScale,
      Tensor dLogits,
      Tensor losses) {
    long tokens = logits.shape().extent(0);
    int experts = logits.extent(1);
    if (tokens == 0) {
      return;
    }
    long sequences = tokens / sequenceLength;
    int chunks = (sequenceLength + CHUNK - 1) / CHUNK;
    Grid grid = Grid.striding(tokens * WARP, THREADS, device);
    long columns = sequences * chunks * experts;
    long scoreSums =
        stream.scratch(
            8 * columns + 8 * (sequences + grid.x()) + 4 * columns + 4 * sequences * experts);
    long auxLosses = scoreSums + Double.BYTES * columns;
    long zLosses = auxLosses + Double.BYTES * sequences;
    long counts = zLosses + (long) Double.BYTES * grid.x();
    long shares = counts + Integer.BYTES * columns;
    module
        .kernel("sum_chunks", sharedBytes(experts))
        .launch(
            stream,
            Grid.of(sequences * chunks, THREADS),
            new Arguments()
                .address(CudaStorage.address(scores))
                .address(CudaStorage.address(topExperts))
                .i32(sequenceLength)
                .i32(chunks)
                .i32(experts)
                .i32(routing.topK())
                .address(scoreSums)
                .address(counts));
    share.launch(
        stream,
        Grid.of(sequences, THREADS),
        new Arguments()
            .address(scoreSums)
            .address(counts)
            .i32(sequenceLength)
            .i32(chunks)
            .i32(experts)
            .i32(routing.topK())
            .f64(auxScale)
            .address(shares)
            .address(auxLosses));
    differentiate(routing.scoreFunction())
        .launch(
            stream,
            grid,
            new Arguments()
                .address(CudaStorage.address(logits))
                .address(CudaStorage.address(scores))
                .address(shares)
                .i64(tokens)
                .i32(sequenceLength)
                .i32(experts)
                .f64(auxScale)
                .f64(zScale)
                .address(CudaStorage.address(dLogits))
                .address(zLosses));
    add.launch(
        stream,
        Grid.of(1, SUM_THREADS),
        new Arguments()
            .address(auxLosses)
            .i64(sequences)
            .address(zLosses)
            .i64(grid.x())
            .address(CudaStorage.address(losses)));
  }

  /** {@code sum_chunks_shared_bytes}. */
  static int sharedBytes(int experts) {
    return experts * Integer.BYTES;
  }
}
