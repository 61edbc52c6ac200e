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
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Tensor;
import java.util.List;

/**
 * The planners of the Megatron-LM prototype, and the plan without clones: {@code
 * plan_prototype.cu}.
 */
final class PlanPrototype {
  private static final String ONE_SHOT = "plan_prototype<kOneShot>";
  private static final String BIN_PACKING = "plan_prototype<kBinPacking>";
  private static final String NO_CLONES = "plan_no_clones";
  private static final int THREADS = 512;
  private static final int FIXED_WORDS = 20;

  private final Device device;
  private final KernelModule module;
  private final Kernel noClones;

  PlanPrototype(Kernels kernels, DType real) {
    device = kernels.device();
    module = kernels.load(source(real));
    noClones = module.kernel(NO_CLONES);
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "plan_prototype.cu",
        List.of(ONE_SHOT, BIN_PACKING, NO_CLONES),
        KernelSource.Target.PORTABLE);
  }

  void oneShot(Stream stream, Tensor counts, PlanTensors plan) {
    launch(stream, ONE_SHOT, counts, plan);
  }

  void binPacking(Stream stream, Tensor counts, PlanTensors plan) {
    launch(stream, BIN_PACKING, counts, plan);
  }

  void noClones(Stream stream, PlanTensors plan) {
    long pairs = plan.toSlot().elements();
    if (pairs == 0) {
      return;
    }
    Arguments arguments = new Arguments().i32(plan.slots()).i64(pairs);
    noClones.launch(stream, Grid.striding(pairs, THREADS, device), addresses(arguments, plan));
  }

  private void launch(Stream stream, String kernel, Tensor counts, PlanTensors plan) {
    int ranks = counts.extent(0);
    PlanLimits limits = new PlanLimits(ranks, counts.extent(1), plan.slots() / ranks);
    int words =
        6 * limits.experts() + 3 * limits.ranks() + 3 * limits.slots() + FIXED_WORDS; // <= 48 KiB
    Arguments arguments =
        new Arguments()
            .address(CudaStorage.address(counts))
            .i32(ranks)
            .i32(limits.experts())
            .i32(limits.slotsPerRank());
    module
        .kernel(kernel, Integer.BYTES * words)
        .launch(stream, Grid.of(1, THREADS), addresses(arguments, plan));
  }

  private static Arguments addresses(Arguments arguments, PlanTensors plan) {
    return arguments
        .address(CudaStorage.address(plan.slotHome()))
        .address(CudaStorage.address(plan.quota()))
        .address(CudaStorage.address(plan.toSlot()));
  }
}
