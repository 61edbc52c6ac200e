package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Loads of one micro-batch, added to the statistics of a layer: record_loads.cu. */
final class RecordLoads {
  static final int THREADS = 512;
  static final int SHARED_BYTES = (2 * PlanKernels.MOST_RANKS + 2) * Integer.BYTES;

  private final Kernel kernel;

  RecordLoads(Kernels kernels) {
    KernelModule module = kernels.load(source());
    kernel = module.kernel("record_loads", SHARED_BYTES);
  }

  static KernelSource source() {
    return new KernelSource(
        "record_loads.cu", List.of("record_loads"), KernelSource.Target.PORTABLE);
  }

  void enqueue(Stream stream, Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    PlanKernels.requireLimits(counts, plan);
    kernel.launch(
        stream,
        Grid.of(1, THREADS),
        new Arguments()
            .address(CudaStorage.address(counts))
            .address(CudaStorage.address(plan.slotHome()))
            .address(CudaStorage.address(plan.quota()))
            .address(CudaStorage.address(toSend))
            .i32(counts.extent(0))
            .i32(counts.extent(1))
            .i32(plan.slots())
            .address(CudaStorage.address(statistics)));
  }
}
