package io.antiphon.model;

import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.CommException;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.Optional;

/**
 * One whole training step of a rank: all micro-batches forward and backward, agreement on overflow,
 * gradient reduction, norm, clip, AdamW, commit. Recorded once and replayed; the row capacity is
 * fixed for its life.
 */
public final class TrainingStep implements AutoCloseable {
  private static final int[] STOP = {1};
  private static final int[] GO_ON = {0};

  private final ModelState state;
  private final Groups groups;
  private final BatchOptions batch;
  private final UpdateOptions update;
  private final StepContext context;
  private final Arena arena;
  private final Ops ops;
  private final Transformer transformer;
  private final Tensor input;
  private final Tensor targetCount;
  private final Tensor losses;
  private final Tensor lossSum;
  private final Tensor routerLosses;
  private final Tensor squaredNorm;
  private final Tensor expertSquaredNorm;
  private final Tensor statistics;
  private final Tensor globalCounts;
  private final Tensor stop;
  private final StepRecord.Layout layout;
  private final Tensor record;
  private final StepRecords records;
  private final StepGraph graph;

  /**
   * Allocates the activations and records the step.
   *
   * @param rowCapacity expert rows this rank can hold
   * @param recording what the replays leave for the host; the same on all ranks
   */
  public TrainingStep(
      ModelState state,
      Groups groups,
      BatchOptions batch,
      UpdateOptions update,
      long rowCapacity,
      RecordOptions recording) {
    this.state = state;
    this.groups = groups;
    this.batch = batch;
    this.update = update;
    Backend backend = state.backend();
    ModelOptions model = state.options();
    arena = new Arena(backend);
    int expertRanks = groups.experts().ranks();
    layout =
        new StepRecord.Layout(
            model,
            expertRanks,
            groups.expertGroups(),
            recording.routing() ? batch.microBatches() : 0);
    record = io("record", DType.F64, layout.length());
    records = new StepRecords(arena, backend, layout, recording.kept());
    Optional<RoutingCounts> routing =
        layout.hasRouting()
            ? Optional.of(
                new RoutingCounts(
                    layout.routing(record, groups.expertGroup()), batch.microBatches()))
            : Optional.empty();
    boolean reuse = model.moe().echo().reuseClones() && model.moe().echo().slotsPerRank() > 0;
    context =
        new StepContext(
            backend, groups, arena, model, batch, rowCapacity, reuse, state.step(), routing);
    ops = context.ops();
    long inputs =
        (long) batch.microBatches() * batch.microBatch() * (batch.sequenceLength() + 1) + 1;
    input = io("batch", DType.I32, inputs);
    targetCount = io("target-count", DType.F64, 1);
    losses = io("losses", DType.F64, 3);
    lossSum = losses.range(0, 1);
    routerLosses = losses.range(1, 2);
    squaredNorm = io("squared-norm", DType.F64, 1);
    expertSquaredNorm = io("expert-squared-norm", DType.F64, 1);
    statistics =
        io("statistics", DType.F64, model.moeLayers(), LoadStatistics.length(model, expertRanks));
    globalCounts = io("global-counts", DType.F64, model.moe().experts());
    stop = input.range(inputs - 1, 1);
    transformer =
        new Transformer(context, state.parameters(), state.routers(), routerLosses, statistics);
    graph = backend.record(this::enqueue);
  }

  private Tensor io(String name, DType dtype, long... extents) {
    return arena.own(name, Arena.Category.INPUT_OUTPUT, dtype, Shape.of(extents));
  }

  private void enqueue() {
    clear();
    for (int i = 0; i < batch.microBatches(); i++) {
      transformer.countTargets(microBatch(i), targetCount);
    }
    groups.world().allReduceSum(targetCount);
    for (int i = 0; i < batch.microBatches(); i++) {
      int index = i;
      context.routing().ifPresent(routing -> routing.startMicroBatch(index));
      transformer.forward(microBatch(i), i == 0);
      transformer.lossAndBackward(targetCount, lossSum);
    }
    Backend backend = context.backend();
    backend.computeLane().await(backend.transferLane().record());
    groups.world().allReduceMax(context.state().requiredRows());
    groups.world().allReduceMax(stop);
    groups.world().allReduceSum(losses);
    reduceGradients();
    gatherStatistics();
    // The last word of the ranks before anything is committed: a group that lost a rank says
    // overflow.
    groups.world().allReduceMax(context.state().overflow());
    updateParameters();
    writeRecord();
  }

  private Tensor microBatch(int index) {
    long length = (long) batch.microBatch() * (batch.sequenceLength() + 1);
    return input
        .range(index * length, length)
        .reshape(batch.microBatch(), batch.sequenceLength() + 1);
  }

  private void clear() {
    ops.zero(targetCount);
    ops.zero(losses);
    ops.zero(squaredNorm);
    ops.zero(expertSquaredNorm);
    ops.zero(statistics);
    ops.zero(record);
    ops.zero(context.state().requiredRows());
    for (ParameterRegistry.FlatGroup group : state.registry().groups()) {
      // The first micro-batch writes the experts' gradients.
      if (group.sharding() == Parameter.Sharding.REPLICATED) {
        ops.zero(group.tensors().gradient());
      }
    }
  }

  private void reduceGradients() {
    for (ParameterRegistry.FlatGroup group : state.registry().groups()) {
      boolean expert = group.sharding() == Parameter.Sharding.EXPERT;
      Collectives holders = expert ? groups.replicas() : groups.world();
      Tensor gradient = group.tensors().gradient();
      if (holders.ranks() > 1) {
        holders.allReduceSum(gradient);
      }
      ops.squaredNorm(gradient, expert ? expertSquaredNorm : squaredNorm);
    }
    // Each expert counts once: its home ranks hold equal gradients by now, one of them per group.
    groups.experts().allReduceSum(expertSquaredNorm);
    ops.add(expertSquaredNorm, squaredNorm);
  }

  private void gatherStatistics() {
    if (state.options().moeLayers() == 0) {
      return;
    }
    Tensor all = layout.statistics(record);
    if (groups.experts().rank() == 0) {
      ops.copy(statistics, all.rows(groups.expertGroup(), 1));
    }
    groups.world().allReduceSum(all);
    if (layout.hasRouting() && groups.expertGroups() > 1) {
      groups.replicas().allReduceSum(layout.routing(record));
    }
  }

  private void updateParameters() {
    StepState step = context.state();
    ops.decideUpdate(squaredNorm, update.clipNorm(), update.schedule(), step);
    AdamOptions adam = update.adam();
    AdamOptions undecayed = new AdamOptions(adam.beta1(), adam.beta2(), adam.epsilon(), 0);
    for (ParameterRegistry.FlatGroup group : state.registry().groups()) {
      AdamTensors tensors = group.tensors();
      ops.adamW(tensors, group.decayed() ? adam : undecayed, step);
    }
    if (state.options().moe().router().expertBiasRate() > 0) {
      updateExpertBiases(step);
    }
    ops.commit(step);
  }

  private void updateExpertBiases(StepState step) {
    ModelOptions model = state.options();
    int experts = model.moe().experts();
    int length = LoadStatistics.length(model, groups.experts().ranks());
    Tensor all = layout.statistics(record);
    for (int layer = 0; layer < model.moeLayers(); layer++) {
      ops.zero(globalCounts);
      for (int group = 0; group < groups.expertGroups(); group++) {
        Tensor part = all.rows(group, 1);
        ops.add(part.range((long) layer * length, experts), globalCounts);
      }
      ops.updateExpertBias(
          globalCounts,
          model.moe().router().expertBiasRate(),
          step,
          state.expertBiases().get(layer));
    }
  }

  private void writeRecord() {
    StepState step = context.state();
    StepRecord.put(ops, lossSum, StepRecord.Field.LOSS_SUM, record);
    StepRecord.put(ops, targetCount, StepRecord.Field.TARGETS, record);
    StepRecord.put(ops, routerLosses.range(0, 1), StepRecord.Field.AUX_LOSS, record);
    StepRecord.put(ops, routerLosses.range(1, 1), StepRecord.Field.Z_LOSS, record);
    StepRecord.put(ops, squaredNorm, StepRecord.Field.SQUARED_NORM, record);
    StepRecord.put(ops, step.learningRate(), StepRecord.Field.LEARNING_RATE, record);
    StepRecord.put(ops, step.apply(), StepRecord.Field.APPLIED, record);
    StepRecord.put(ops, step.overflow(), StepRecord.Field.OVERFLOW, record);
    StepRecord.put(ops, step.requiredRows(), StepRecord.Field.REQUIRED_ROWS, record);
    StepRecord.put(ops, stop, StepRecord.Field.STOP, record);
    int counters = StepRecord.Field.STEPS.place();
    ops.copy(step.counters(), record.range(counters, step.counters().elements()));
    records.push(ops, record, step);
  }

  /**
   * Copies this rank's sequences of one global batch to the device and enqueues the step.
   *
   * @param tokens {@code [microBatches * microBatch, sequenceLength + 1]}; free again when the call
   *     returns
   * @param stopRequested whether this rank wants all ranks to stop; every rank finds the answer in
   *     the record
   */
  public void replay(int[] tokens, boolean stopRequested) {
    context.backend().hostIo().writeAll(input, tokens, stopRequested ? STOP : GO_ON);
    graph.replay();
  }

  /**
   * Reads the record of a replay, waiting for it if need be.
   *
   * @param replay 0-based index among all replays of the state, as {@link #replays} counts them;
   *     among the last that {@code recording} keeps
   * @throws CommException if the ranks have lost each other
   */
  public StepRecord read(long replay) {
    return records.read(replay, SlotPool.reusedBytes(context));
  }

  /** Expert rows this rank can hold. */
  public long rowCapacity() {
    return context.rowCapacity();
  }

  /** Replays made since the state was made. */
  public long replays() {
    Tensor counters = context.state().counters();
    return new HostValues(context.backend().hostIo()).longs(counters)[3];
  }

  /** The memory plan of the activations. */
  public String memoryPlan() {
    return arena.plan();
  }

  /** Bytes of the activations. */
  public long bytes() {
    return arena.bytes();
  }

  /** Bytes of one category of the activations. */
  public long bytes(Arena.Category category) {
    return arena.bytes(category);
  }

  @Override
  public void close() {
    graph.close();
    arena.close();
  }
}
