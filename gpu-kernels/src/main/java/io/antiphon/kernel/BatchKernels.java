package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Inputs and targets of packed sequences: batch.cu. */
final class BatchKernels implements OpParts.Batch {
  private final CudaQueue queue;
  static final int THREADS = 1024;

  private final Kernel prepare;
  private final Kernel count;

  BatchKernels(CudaQueue queue, Kernels kernels) {
    this.queue = queue;
    KernelModule module = kernels.load(source());
    prepare = module.kernel("prepare_batch");
    count = module.kernel("count_targets");
  }

  static KernelSource source() {
    return new KernelSource(
        "batch.cu", List.of("prepare_batch", "count_targets"), KernelSource.Target.PORTABLE);
  }

  @Override
  public void prepareBatch(
      Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts) {
    Stream stream = queue.forOperation();
    if (inputs.elements() == 0) {
      return;
    }
    prepare.launch(
        stream,
        Grid.of(batch.shape().extent(0), THREADS),
        new Arguments()
            .address(CudaStorage.address(batch))
            .i32(batch.extent(1) - 1)
            .i32(endOfText)
            .address(CudaStorage.address(inputs))
            .address(CudaStorage.address(targets))
            .address(CudaStorage.address(documentStarts)));
  }

  @Override
  public void countTargets(Tensor targets, Tensor targetCount) {
    Stream stream = queue.forOperation();
    if (targets.elements() == 0) {
      return;
    }
    count.launch(
        stream,
        Grid.of(1, THREADS),
        new Arguments()
            .address(CudaStorage.address(targets))
            .i64(targets.elements())
            .address(CudaStorage.address(targetCount)));
  }
}
