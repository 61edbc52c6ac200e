package io.antiphon.train;

import io.antiphon.conf.Moe;
import io.antiphon.conf.Settings;
import io.antiphon.device.Device;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.Groups;
import io.antiphon.model.ModelState;
import io.antiphon.model.TrainingStep;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.DType;
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
 * @param rowCapacity expert rows that the activations are for
 */
public record MemoryPlan(
    long parameters, Map<Arena.Category, Long> training, long evaluation, long rowCapacity) {
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
    return of(settings, setup, RankDevice.computeType(settings), RankDevice.GPU_LAG);
  }

  /** The plan of every rank of a run on the CPU, outside of Java's heap. */
  public static MemoryPlan onCpu(Settings settings, ModelSetup setup) {
    boolean check = settings.backend().kind() == io.antiphon.conf.Backend.Kind.CPU_F64;
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
                lag + 1,
                settings.monitor().recordRouting().isPresent())) {
      for (Arena.Category category : Arena.Category.values()) {
        bytes.put(category, state.bytes(category) + step.bytes(category));
      }
      long parameters =
          state.registry().parameters().stream()
              .mapToLong(parameter -> parameter.shape().elements())
              .sum();
      return new MemoryPlan(
          parameters, bytes, evaluates ? evaluation(state, groups, setup, rows) : 0, rows);
    }
  }

  private static long evaluation(ModelState state, Groups groups, ModelSetup setup, long rows) {
    try (EvaluationStep step = new EvaluationStep(state, groups, setup.batch(), rows)) {
      return step.bytes();
    }
  }

  /** Bytes of one rank at the moment it has most. */
  public long bytes() {
    return training.values().stream().mapToLong(Long::longValue).sum() + evaluation;
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

  /** In one line, for people. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "%,d parameters; ", parameters));
    training.forEach(
        (category, bytes) ->
            text.append(
                String.format(
                    Locale.ROOT,
                    "%s %.2f, ",
                    category.name().toLowerCase(Locale.ROOT).replace('_', '-'),
                    bytes / GIB)));
    return text
        + String.format(
            Locale.ROOT,
            "evaluation %.2f, in all %.2f GiB, with room for %,d expert rows",
            evaluation / GIB,
            bytes() / GIB,
            rowCapacity);
  }
}
