package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Assignments per expert: count_assignments.cu. */
final class CountAssignments {
  private static final int THREADS = 512;

  /** Up to here one block is faster than clearing the counts first. */
  private static final int MOST_FOR_ONE_BLOCK = 4_096;

  private final Device device;
  private final KernelModule module;

  CountAssignments(Kernels kernels) {
    device = kernels.device();
    module = kernels.load(source());
  }

  static KernelSource source() {
    return new KernelSource(
        "count_assignments.cu",
        List.of("zero_counts", "count_assignments<true>", "count_assignments<false>"),
        KernelSource.Target.PORTABLE);
  }

  void enqueue(Stream stream, Tensor topExperts, Tensor counts) {
    int experts = counts.extent(0);
    long assignments = topExperts.elements();
    if (experts == 0) {
      return;
    }
    boolean alone = assignments <= MOST_FOR_ONE_BLOCK;
    if (!alone) {
      module
          .kernel("zero_counts")
          .launch(
              stream,
              Grid.of((experts + THREADS - 1) / THREADS, THREADS),
              new Arguments().i32(experts).address(CudaStorage.address(counts)));
    }
    Kernel kernel = module.kernel("count_assignments<" + alone + ">", sharedBytes(experts));
    kernel.launch(
        stream,
        alone ? Grid.of(1, THREADS) : Grid.striding(assignments / 4, THREADS, device),
        new Arguments()
            .address(CudaStorage.address(topExperts))
            .i64(assignments)
            .i32(experts)
            .address(CudaStorage.address(counts)));
  }

  /** {@code count_assignments_shared_bytes}. */
  static int sharedBytes(int experts) {
    return experts * Integer.BYTES;
  }
}
