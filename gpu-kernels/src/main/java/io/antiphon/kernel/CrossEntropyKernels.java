package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Loss and its gradient in place: cross_entropy.cu. */
final class CrossEntropyKernels {
  private static final int THREADS = 256;
  private static final int SUM_THREADS = 1024;

  private final Device device;
  private final Kernel lossAndGradient;
  private final Kernel lossOnly;
  private final Kernel addTerms;

  CrossEntropyKernels(Kernels kernels, DType real) {
    device = kernels.device();
    KernelModule module = kernels.load(source(real));
    lossAndGradient = module.kernel(name(real, true));
    lossOnly = module.kernel(name(real, false));
    addTerms = module.kernel("add_terms");
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "cross_entropy.cu",
        List.of(name(real, true), name(real, false), "add_terms"),
        KernelSource.Target.PORTABLE);
  }

  private static String name(DType real, boolean gradient) {
    return "cross_entropy<" + CudaType.of(real) + ", " + gradient + ">";
  }

  void crossEntropy(
      Stream stream, Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    rows(stream, lossAndGradient, logits, targets, CudaStorage.address(targetCount), lossSum);
  }

  void crossEntropyLoss(Stream stream, Tensor logits, Tensor targets, Tensor lossSum) {
    rows(stream, lossOnly, logits, targets, 0, lossSum);
  }

  private void rows(
      Stream stream, Kernel kernel, Tensor logits, Tensor targets, long count, Tensor lossSum) {
    long rows = logits.shape().extent(0);
    if (rows == 0) {
      return;
    }
    long losses = stream.scratch(rows * Double.BYTES);
    kernel.launch(
        stream,
        Grid.striding(rows * THREADS, THREADS, device),
        new Arguments()
            .address(CudaStorage.address(logits))
            .address(CudaStorage.address(targets))
            .i64(rows)
            .i64(logits.shape().extent(1))
            .address(count)
            .address(losses));
    addTerms.launch(
        stream,
        Grid.of(1, SUM_THREADS),
        new Arguments().address(losses).i64(rows).address(CudaStorage.address(lossSum)));
  }
}
