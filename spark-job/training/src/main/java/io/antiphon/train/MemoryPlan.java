package io.antiphon.train;

import io.antiphon.conf.Backend;
import io.antiphon.conf.Moe;
import io.antiphon.conf.Settings;
import io.antiphon.device.Device;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.Groups;
import io.antiphon.model.ModelState;
import io.antiphon.model.RecordOptions;
import io.antiphon.model.TrainingStep;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanBackend;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The device memory of one rank, before any of it is allocated: exactly the buffers that training
 * declares.
 *
 * @param parameters elements of all parameters that this rank holds
 * @param training bytes by category, of the state and of a training step
 * @param evaluation bytes that an evaluation takes besides; 0 if there is none
 * @param communication bytes that NCCL's operations take besides, where the settings ask for it
 * @param rowCapacity expert rows that the activations are for
 */
public record MemoryPlan(
    long parameters,
    Map<Arena.Category, Long> training,
    long evaluation,
    long communication,
    long rowCapacity) {
  private static final double GIB = 1L << 30;

  /** What a process has on a device besides: context, kernels, workspaces of libraries. */
  private static final long PROCESS_BYTES = 700L << 20;

  /** Streams, peers' flags and scratch of one rank. */
  private static final long RANK_BYTES = 128L << 20;

  /** Keeps the totals in the order of the categories. */
  public MemoryPlan {
    training = new EnumMap<>(training);
  }

  /** The plan of every rank of a run on GPUs, as it prints it at its start. */
  public static MemoryPlan onGpu(Settings settings, ModelSetup setup) {
    DType real = RankDevice.computeType(settings);
    MemoryPlan plan = of(settings, setup, real, RankDevice.GPU_LAG);
    return new MemoryPlan(
        plan.parameters,
        plan.training,
        plan.evaluation,
        communication(settings, real, plan.rowCapacity),
        plan.rowCapacity);
  }

  /** The plan of every rank of a run on the CPU, outside of Java's heap. */
  public static MemoryPlan onCpu(Settings settings, ModelSetup setup) {
    boolean check = settings.backend().kind() == Backend.Kind.CPU_F64;
    return of(settings, setup, check ? DType.F64 : DType.F32, 0);
  }

  /**
   * The plan of rank 0, which is that of every rank.
   *
   * @param real type of activations and of the weights that enter a GEMM
   * @param lag steps launched ahead
   */
  public static MemoryPlan of(Settings settings, ModelSetup setup, DType real, int lag) {
    DType master = real == DType.F64 ? DType.F64 : DType.F32;
    PlanBackend backend = new PlanBackend(real, master);
    int ranks = settings.parallelism().ranks();
    int expertRanks = settings.parallelism().expertParallel();
    Groups groups =
        Groups.of(0, ranks, expertRanks, members -> PlanBackend.collectives(0, members.length));
    long rows = setup.rowCapacity(settings.moe().tokenCapacity(), expertRanks);
    boolean evaluates = settings.data().validationFraction() > 0;
    Map<Arena.Category, Long> bytes = new EnumMap<>(Arena.Category.class);
    try (ModelState state = ModelState.blank(backend, setup.model(), 0, expertRanks);
        TrainingStep step =
            new TrainingStep(
                state,
                groups,
                setup.batch(),
                setup.update(),
                rows,
                new RecordOptions(lag + 1, settings.monitor().recordRouting().isPresent()))) {
      for (Arena.Category category : Arena.Category.values()) {
        bytes.put(category, state.bytes(category) + step.bytes(category));
      }
      long parameters =
          state.registry().parameters().stream()
              .mapToLong(parameter -> parameter.shape().elements())
              .sum();
      return new MemoryPlan(
          parameters, bytes, evaluates ? evaluation(state, groups, setup, rows) : 0, 0, rows);
    }
  }

  private static long evaluation(ModelState state, Groups groups, ModelSetup setup, long rows) {
    try (EvaluationStep step = new EvaluationStep(state, groups, setup.batch(), rows)) {
      return step.bytes();
    }
  }

  /**
   * What NCCL's collectives gather: rows of all ranks on the compute lane, weights of all experts
   * or gradients of all slots on the transfer lane.
   */
  private static long communication(Settings settings, DType real, long rows) {
    int expertRanks = settings.parallelism().expertParallel();
    if (settings.backend().interconnect() != Backend.Interconnect.NCCL || expertRanks == 1) {
      return 0;
    }
    Moe moe = settings.moe();
    long hidden = settings.model().hidden();
    long gateUp = 2L * moe.expertFfn() * hidden;
    int slots = ModelSetup.hasClones(settings) ? moe.echo().slotsPerRank() : 0;
    long weights = slots == 0 ? 0 : moe.experts() * gateUp * real.bytes();
    long gradients = (long) expertRanks * slots * gateUp * DType.F32.bytes();
    return expertRanks * rows * hidden * real.bytes() + Math.max(weights, gradients);
  }

  /** Bytes of one rank at the moment it has most. */
  public long bytes() {
    long steps = training.values().stream().mapToLong(Long::longValue).sum();
    return steps + evaluation + communication;
  }

  /** Bytes of {@code sharing} ranks of one process on one device. */
  public long bytesOnDevice(int sharing) {
    return PROCESS_BYTES + sharing * (bytes() + RANK_BYTES);
  }

  /**
   * Why the ranks that share a device cannot fit; empty if they can.
   *
   * @param device for people
   * @param memory of the device now
   * @param sharing ranks of one process that share it
   * @param coming those of them that have not taken their memory yet
   */
  public Optional<String> shortage(
      Settings settings, String device, Device.Memory memory, int sharing, int coming) {
    long needed = bytesOnDevice(sharing);
    if (needed <= memory.total() && coming * bytes() <= memory.free()) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "the run needs %.1f GiB on %s, of which %.1f GiB are free%s. %s",
            needed / GIB,
            device,
            memory.free() / GIB,
            sharing > 1 ? " and which " + sharing + " ranks share" : "",
            advice(settings)));
  }

  /** What every message about lack of memory ends with: this plan, and what would make it less. */
  String advice(Settings settings) {
    return "Memory plan of a rank: " + this + ". " + remedy(settings);
  }

  /** What would take less memory, with the values there are now; not what would change nothing. */
  public String remedy(Settings settings) {
    Moe moe = settings.moe();
    boolean clones = ModelSetup.hasClones(settings);
    List<String> lower = new ArrayList<>();
    if (settings.schedule().microBatch() > 1) {
      lower.add("schedule.micro-batch (now " + settings.schedule().microBatch() + ")");
    }
    lower.add("model.sequence-length (now " + settings.model().sequenceLength() + ")");
    // A rank that has all experts of its group needs room for all assignments, whatever the factor.
    if (moe.experts() > 0
        && settings.parallelism().expertParallel() > 1
        && moe.tokenCapacity() > 1) {
      lower.add("moe.token-capacity (now " + moe.tokenCapacity() + ")");
    }
    if (clones && moe.echo().slotsPerRank() > 1) {
      lower.add("moe.echo.slots-per-rank (now " + moe.echo().slotsPerRank() + ")");
    }
    List<String> set = new ArrayList<>();
    if (!settings.model().recompute()) {
      set.add("model.recompute = true");
    }
    if (clones && moe.echo().reuseClones()) {
      set.add("moe.echo.reuse-clones = false");
    }
    return "Lower "
        + String.join(", ", lower)
        + " or the model, "
        + (set.isEmpty() ? "" : "set " + String.join(" and ", set) + ", ")
        + "or spread the ranks over more GPUs";
  }

  /** The plan in one line, for people. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "%,d parameters; ", parameters));
    training.forEach(
        (category, bytes) ->
            text.append(String.format(Locale.ROOT, "%s %.2f, ", category.label(), bytes / GIB)));
    return text
        + String.format(
            Locale.ROOT,
            "evaluation %.2f%s, in all %.2f GiB, with room for %,d expert rows",
            evaluation / GIB,
            communication == 0
                ? ""
                : String.format(Locale.ROOT, ", communication %.2f", communication / GIB),
            bytes() / GIB,
            rowCapacity);
  }
}
