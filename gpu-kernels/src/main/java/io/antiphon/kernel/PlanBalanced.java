package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanAlgorithm;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** The balanced planner: {@code plan_balanced.cu}. */
final class PlanBalanced {
  private static final int THREADS = 512;
  private static final int PLACEMENTS = 5;
  private static final int PREFERENCES = 4;
  private static final int RESULT_WORDS = 2 * PREFERENCES * 4;
  private static final int WITHOUT_ASKING = 48 * 1024;

  /** What a kernel keeps in the registers of one warp. */
  private enum Size {
    SMALL(256, 32),
    MEDIUM(256, 64),
    LARGE(PlanLimits.MOST_EXPERTS, PlanLimits.MOST_RANKS);

    private final int experts;
    private final int ranks;

    Size(int experts, int ranks) {
      this.experts = experts;
      this.ranks = ranks;
    }

    static Size of(PlanLimits limits) {
      return Arrays.stream(values())
          .filter(size -> limits.experts() <= size.experts && limits.ranks() <= size.ranks)
          .findFirst()
          .orElseThrow();
    }

    String kernel(boolean replan) {
      return "plan_balanced<" + experts / 32 + ", " + ranks / 32 + ", " + replan + ">";
    }
  }

  private final KernelModule module;

  PlanBalanced(Kernels kernels, DType real) {
    module = kernels.load(source(real));
  }

  static KernelSource source(DType real) {
    List<String> names =
        Arrays.stream(Size.values())
            .flatMap(size -> List.of(size.kernel(false), size.kernel(true)).stream())
            .toList();
    return new KernelSource("plan_balanced.cu", names, KernelSource.Target.PORTABLE);
  }

  void plan(Stream stream, PlanAlgorithm algorithm, Tensor counts, PlanTensors plan) {
    launch(stream, false, algorithm, counts, 0, 0, plan);
  }

  void replan(
      Stream stream,
      PlanAlgorithm algorithm,
      Tensor counts,
      Tensor held,
      Tensor toSend,
      PlanTensors plan) {
    launch(
        stream,
        true,
        algorithm,
        counts,
        CudaStorage.address(held),
        CudaStorage.address(toSend),
        plan);
  }

  private void launch(
      Stream stream,
      boolean replan,
      PlanAlgorithm algorithm,
      Tensor counts,
      long held,
      long toSend,
      PlanTensors plan) {
    int ranks = counts.extent(0);
    PlanLimits limits = new PlanLimits(ranks, counts.extent(1), plan.slots() / ranks);
    Arguments arguments =
        new Arguments()
            .address(CudaStorage.address(counts))
            .i32(ranks)
            .i32(limits.experts())
            .i32(limits.slotsPerRank())
            .i32(algorithm.toleranceMillionths())
            .i32(algorithm.ranksPerNode())
            .i32(algorithm.minQuota())
            .i32(algorithm.minQuotaAcrossNodes())
            .address(held)
            .address(toSend)
            .address(CudaStorage.address(plan.slotHome()))
            .address(CudaStorage.address(plan.quota()))
            .address(CudaStorage.address(plan.toSlot()));
    module
        .kernel(Size.of(limits).kernel(replan), sharedBytes(limits))
        .launch(stream, Grid.of(1, THREADS), arguments);
  }

  /** As {@code plan_balanced} divides it; one figure for all that must ask for more. */
  private static int sharedBytes(PlanLimits limits) {
    int bytes = exactBytes(limits);
    return bytes <= WITHOUT_ASKING
        ? bytes
        : exactBytes(
            new PlanLimits(
                PlanLimits.MOST_RANKS, PlanLimits.MOST_EXPERTS, PlanLimits.MOST_SLOTS_PER_RANK));
  }

  private static int exactBytes(PlanLimits limits) {
    int placement = 3 * limits.slots() + limits.ranks();
    int words =
        RESULT_WORDS
            + 3 * limits.experts()
            + (2 + PREFERENCES) * limits.ranks()
            + 3 * limits.slots()
            + PLACEMENTS * placement
            + 1;
    return Integer.BYTES * words;
  }
}
