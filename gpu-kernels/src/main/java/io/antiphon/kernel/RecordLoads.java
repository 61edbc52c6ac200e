package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Load statistics: {@code record_loads.cu}. */
final class RecordLoads {
  private static final String KERNEL = "record_loads";
  private static final int THREADS = 512;

  private final KernelModule module;

  RecordLoads(Kernels kernels, DType real) {
    module = kernels.load(source(real));
  }

  static KernelSource source(DType real) {
    return new KernelSource("record_loads.cu", List.of(KERNEL), KernelSource.Target.PORTABLE);
  }

  void recordLoads(
      Stream stream, Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    int ranks = counts.extent(0);
    PlanLimits limits = new PlanLimits(ranks, counts.extent(1), plan.slots() / ranks);
    Arguments arguments =
        new Arguments()
            .address(CudaStorage.address(counts))
            .address(CudaStorage.address(plan.slotHome()))
            .address(CudaStorage.address(plan.quota()))
            .address(CudaStorage.address(toSend))
            .i32(ranks)
            .i32(limits.experts())
            .i32(limits.slots())
            .address(CudaStorage.address(statistics));
    module
        .kernel(KERNEL, Integer.BYTES * (2 * ranks + 2))
        .launch(stream, Grid.of(1, THREADS), arguments);
  }
}
