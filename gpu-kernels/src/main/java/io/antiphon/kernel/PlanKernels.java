package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Planners as one kernel each: plan_balanced.cu and plan_prototype.cu. */
final class PlanKernels implements OpParts.Plan {
  private final CudaQueue queue;
  private final CountAssignments counting;
  private final LayoutRows layout;
  private final RecordLoads loads;

  /** Most ranks of a group. */
  static final int MOST_RANKS = 128;

  /** Most home experts of a group. */
  static final int MOST_EXPERTS = 1024;

  /** Most slots of a group. */
  static final int MOST_SLOTS = 1024;

  static final int THREADS = 512;

  /** Words of shared memory for sums of counts. */
  private static final int SUM_WORDS = 2048;

  /** Placements of clones that the balanced planner keeps. */
  private static final int PLACEMENTS = 5;

  /** Passes that it runs beside each other. */
  private static final int PASSES = 4;

  /** Results of two rounds of passes, five words each. */
  private static final int RESULT_WORDS = 2 * PASSES * 5;

  /** Size classes of the bin-packing planner. */
  private static final int BUCKETS = 8;

  private static final int NO_CLONES_THREADS = 256;
  private static final int WARP = 32;
  private static final String ONE_SHOT = "plan_prototype<kOneShot>";
  private static final String BIN_PACKING = "plan_prototype<kBinPacking>";
  private static final String NO_CLONES = "plan_no_clones";

  /** Ranks that a lane of the balanced planner holds; the first that suffices is taken. */
  private static final List<Integer> RANKS_PER_LANE = List.of(1, 2, 4);

  private final Device device;
  private final KernelModule balanced;
  private final KernelModule prototype;

  PlanKernels(CudaQueue queue, Kernels kernels) {
    this.queue = queue;
    counting = new CountAssignments(kernels);
    layout = new LayoutRows(kernels);
    loads = new RecordLoads(kernels);
    device = kernels.device();
    balanced = kernels.load(balancedSource());
    prototype = kernels.load(prototypeSource());
  }

  static KernelSource balancedSource() {
    List<String> names = new ArrayList<>();
    for (int ranksPerLane : RANKS_PER_LANE) {
      names.add(balancedName(ranksPerLane, false));
      names.add(balancedName(ranksPerLane, true));
    }
    return new KernelSource("plan_balanced.cu", names, KernelSource.Target.PORTABLE);
  }

  static KernelSource prototypeSource() {
    return new KernelSource(
        "plan_prototype.cu",
        List.of(ONE_SHOT, BIN_PACKING, NO_CLONES),
        KernelSource.Target.PORTABLE);
  }

  @Override
  public void countAssignments(Tensor topExperts, Tensor counts) {
    counting.enqueue(queue.forOperation(), topExperts, counts);
  }

  @Override
  public void layoutRows(
      Tensor topExperts,
      Tensor counts,
      PlanTensors plan,
      int rank,
      long rowCapacity,
      RowTensors rows,
      StepState state) {
    layout.enqueue(queue.forOperation(), topExperts, counts, plan, rank, rowCapacity, rows, state);
  }

  @Override
  public void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    loads.enqueue(queue.forOperation(), counts, plan, toSend, statistics);
  }

  @Override
  public void plan(PlannerKind planner, BalanceOptions options, Tensor counts, PlanTensors plan) {
    Stream stream = queue.forOperation();
    requireLimits(counts, plan);
    switch (planner) {
      case NONE -> withoutClones(stream, plan);
      case BALANCED -> balanced(stream, options, counts, plan, 0, 0, false);
      case ONE_SHOT -> prototype(stream, ONE_SHOT, counts, plan);
      case BIN_PACKING -> prototype(stream, BIN_PACKING, counts, plan);
    }
  }

  @Override
  public void replan(
      BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    Stream stream = queue.forOperation();
    requireLimits(counts, plan);
    balanced(
        stream,
        options,
        counts,
        plan,
        CudaStorage.address(held),
        CudaStorage.address(toSend),
        true);
  }

  /** Fails if the kernels of this class and of the row layout cannot take a group. */
  static void requireLimits(Tensor counts, PlanTensors plan) {
    int ranks = counts.extent(0);
    int experts = counts.extent(1);
    if (ranks > MOST_RANKS || experts > MOST_EXPERTS || plan.slots() > MOST_SLOTS) {
      throw new IllegalArgumentException(
          "planning on the device takes at most "
              + MOST_RANKS
              + " ranks, "
              + MOST_EXPERTS
              + " experts and "
              + MOST_SLOTS
              + " slots of an expert-parallel group, were "
              + ranks
              + ", "
              + experts
              + " and "
              + plan.slots()
              + ". Lower parallelism.expert-parallel, moe.experts or moe.echo.slots-per-rank");
    }
  }

  private void withoutClones(Stream stream, PlanTensors plan) {
    long pairs = plan.toSlot().elements();
    if (pairs == 0) {
      return;
    }
    prototype
        .kernel(NO_CLONES)
        .launch(
            stream,
            Grid.striding(pairs, NO_CLONES_THREADS, device),
            outputs(new Arguments().i32(plan.slots()).i64(pairs), plan));
  }

  private void prototype(Stream stream, String name, Tensor counts, PlanTensors plan) {
    int ranks = counts.extent(0);
    int experts = counts.extent(1);
    prototype
        .kernel(name, prototypeSharedBytes(ranks, experts, plan.slots()))
        .launch(
            stream,
            Grid.of(1, THREADS),
            outputs(
                new Arguments()
                    .address(CudaStorage.address(counts))
                    .i32(ranks)
                    .i32(experts)
                    .i32(plan.slots() / ranks),
                plan));
  }

  private void balanced(
      Stream stream,
      BalanceOptions options,
      Tensor counts,
      PlanTensors plan,
      long held,
      long toSend,
      boolean replan) {
    int ranks = counts.extent(0);
    int experts = counts.extent(1);
    int ranksPerLane =
        RANKS_PER_LANE.stream().filter(each -> ranks <= WARP * each).findFirst().orElseThrow();
    balanced
        .kernel(
            balancedName(ranksPerLane, replan), balancedSharedBytes(ranks, experts, plan.slots()))
        .launch(
            stream,
            Grid.of(1, THREADS),
            outputs(
                new Arguments()
                    .address(CudaStorage.address(counts))
                    .i32(ranks)
                    .i32(experts)
                    .i32(plan.slots() / ranks)
                    .i32(options.toleranceMillionths())
                    .i32(options.ranksPerNode())
                    .i32(options.minQuota())
                    .i32(options.minQuotaAcrossNodes())
                    .address(held)
                    .address(toSend),
                plan));
  }

  private static String balancedName(int ranksPerLane, boolean replan) {
    return "plan_balanced<" + ranksPerLane + ", " + replan + ">";
  }

  /** {@code plan_prototype_shared_bytes}: sums, three counters and a gap, buckets, tables. */
  static int prototypeSharedBytes(int ranks, int experts, int slots) {
    return (SUM_WORDS + 4 + 2 * BUCKETS + 6 * experts + 4 * ranks + 3 * slots) * Integer.BYTES;
  }

  /** {@code plan_balanced_shared_bytes}: results, what passes need, tables, two counters. */
  static int balancedSharedBytes(int ranks, int experts, int slots) {
    int placement = ranks + 2 * slots + (slots + 1) / 2;
    int pass = 2 * ranks + experts;
    int search = Math.max(SUM_WORDS, PLACEMENTS * placement + PASSES * pass);
    int tables = 3 * experts + 3 * ranks + 3 * slots;
    return (RESULT_WORDS + search + tables + 2) * Integer.BYTES;
  }

  private static Arguments outputs(Arguments arguments, PlanTensors plan) {
    return arguments
        .address(CudaStorage.address(plan.slotHome()))
        .address(CudaStorage.address(plan.quota()))
        .address(CudaStorage.address(plan.toSlot()));
  }
}
