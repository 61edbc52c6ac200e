package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Loss and its gradient in place: cross_entropy.cu. */
final class CrossEntropyKernels implements OpParts.Loss {
  private final CudaQueue queue;
  static final int THREADS = 512;
  static final int SUM_THREADS = 1024;
  private static final int WARP = 32;
  static final int SHORT_ROWS_PER_BLOCK = 8;

  /** Largest row of which a warp reads more bytes at a time than it waits for barriers. */
  private static final int SHORT_ROW_BYTES = 8192;

  private final Kernel lossAndGradient;
  private final Kernel shortLossAndGradient;
  private final Kernel lossOnly;
  private final Kernel shortLossOnly;
  private final Kernel addTerms;

  CrossEntropyKernels(CudaQueue queue, Kernels kernels, DType real) {
    this.queue = queue;
    KernelModule module = kernels.load(source(real));
    lossAndGradient = module.kernel(name("cross_entropy", real, true));
    shortLossAndGradient = module.kernel(name("cross_entropy_short", real, true));
    lossOnly = module.kernel(name("cross_entropy", real, false));
    shortLossOnly = module.kernel(name("cross_entropy_short", real, false));
    addTerms = module.kernel("add_terms");
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "cross_entropy.cu",
        List.of(
            name("cross_entropy", real, true),
            name("cross_entropy_short", real, true),
            name("cross_entropy", real, false),
            name("cross_entropy_short", real, false),
            "add_terms"),
        KernelSource.Target.PORTABLE);
  }

  private static String name(String kernel, DType real, boolean gradient) {
    return kernel + "<" + CudaType.of(real) + ", " + gradient + ">";
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    Stream stream = queue.forOperation();
    Kernel kernel = isShort(logits) ? shortLossAndGradient : lossAndGradient;
    rows(stream, kernel, logits, targets, CudaStorage.address(targetCount), lossSum);
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    Stream stream = queue.forOperation();
    rows(stream, isShort(logits) ? shortLossOnly : lossOnly, logits, targets, 0, lossSum);
  }

  private static boolean isShort(Tensor logits) {
    return logits.shape().extent(1) * logits.dtype().bytes() <= SHORT_ROW_BYTES;
  }

  private void rows(
      Stream stream, Kernel kernel, Tensor logits, Tensor targets, long count, Tensor lossSum) {
    long rows = logits.shape().extent(0);
    if (rows == 0) {
      return;
    }
    long losses = stream.scratch(rows * Double.BYTES);
    Grid grid =
        isShort(logits)
            ? Grid.of(
                (rows + SHORT_ROWS_PER_BLOCK - 1) / SHORT_ROWS_PER_BLOCK,
                SHORT_ROWS_PER_BLOCK * WARP)
            : Grid.of(rows, THREADS);
    kernel.launch(
        stream,
        grid,
        new Arguments()
            .address(CudaStorage.address(logits))
            .address(CudaStorage.address(targets))
            .address(count)
            .i64(rows)
            .i64(logits.shape().extent(1))
            .address(losses));
    addTerms.launch(
        stream,
        Grid.of(1, SUM_THREADS),
        new Arguments().address(losses).i64(rows).address(CudaStorage.address(lossSum)));
  }
}
