package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Assignments per expert: {@code count_assignments.cu}. */
final class CountAssignments {
  private static final String ALONE = "count_assignments<true>";
  private static final String TOGETHER = "count_assignments<false>";
  private static final String ZERO = "zero_counts";
  private static final int THREADS = 1024;
  private static final int MOST_EXPERTS = 12 * 1024; // in 48 KiB

  /** Up to here one block is quicker than a second launch. */
  private static final int MOST_ALONE = 16 * 1024;

  private static final int PER_BLOCK = 4 * THREADS;

  private final Device device;
  private final KernelModule module;

  CountAssignments(Kernels kernels, DType real) {
    device = kernels.device();
    module = kernels.load(source(real));
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "count_assignments.cu", List.of(ALONE, TOGETHER, ZERO), KernelSource.Target.PORTABLE);
  }

  void countAssignments(Stream stream, Tensor topExperts, Tensor counts) {
    int experts = counts.extent(0);
    if (experts > MOST_EXPERTS) {
      throw new IllegalArgumentException(
          "counting on a GPU takes at most " + MOST_EXPERTS + " experts, was " + experts);
    }
    long assignments = topExperts.elements();
    boolean alone = assignments <= MOST_ALONE;
    if (!alone) {
      Arguments arguments = new Arguments().i32(experts).address(CudaStorage.address(counts));
      module
          .kernel(ZERO)
          .launch(stream, Grid.of((experts + THREADS - 1) / THREADS, THREADS), arguments);
    }
    long blocks =
        alone
            ? 1
            : Math.min((assignments + PER_BLOCK - 1) / PER_BLOCK, 2L * device.multiprocessors());
    Arguments arguments =
        new Arguments()
            .address(CudaStorage.address(topExperts))
            .i64(assignments)
            .i32(experts)
            .address(CudaStorage.address(counts));
    module
        .kernel(alone ? ALONE : TOGETHER, Integer.BYTES * experts)
        .launch(stream, Grid.of(blocks, THREADS), arguments);
  }
}
