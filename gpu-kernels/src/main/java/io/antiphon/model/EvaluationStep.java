package io.antiphon.model;

import io.antiphon.tensor.Arena;
import io.antiphon.tensor.Backend;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.HostValues;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.Shape;
import io.antiphon.tensor.StepGraph;
import io.antiphon.tensor.Tensor;
import java.util.Optional;

/**
 * The loss of one micro-batch per rank without training: routed, planned and bounded by the row
 * capacity as in training. Nothing persistent changes.
 */
public final class EvaluationStep implements AutoCloseable {
  /**
   * Result over all ranks.
   *
   * @param lossSum sum of the losses of all targets, nats
   * @param targets number of targets
   * @param overflow whether some rank had too many rows; then the sums are worthless
   * @param requiredRows most rows any rank needed
   */
  public record Result(double lossSum, double targets, boolean overflow, long requiredRows) {}

  private final StepContext context;
  private final Groups groups;
  private final Arena arena;
  private final Ops ops;
  private final Transformer transformer;
  private final Tensor input;
  private final Tensor sums;
  private final Tensor routerLosses;
  private final Tensor statistics;
  private final Tensor allStatistics;
  private final StepGraph graph;

  /** Allocates the activations and records the step; {@code batch.microBatches()} is not used. */
  public EvaluationStep(ModelState state, Groups groups, BatchOptions batch, long rowCapacity) {
    this.groups = groups;
    Backend backend = state.backend();
    ModelOptions model = state.options();
    arena = new Arena(backend);
    context =
        new StepContext(
            backend,
            groups,
            arena,
            model,
            batch,
            rowCapacity,
            false,
            state.step(),
            Optional.empty());
    ops = context.ops();
    input = io("batch", DType.I32, batch.microBatch(), batch.sequenceLength() + 1);
    sums = io("sums", DType.F64, 2);
    routerLosses = io("router-losses", DType.F64, 2);
    int length = LoadStatistics.length(model, groups.experts().ranks());
    statistics = io("statistics", DType.F64, model.moeLayers(), length);
    allStatistics =
        io("all-statistics", DType.F64, groups.expertGroups(), (long) model.moeLayers() * length);
    transformer =
        new Transformer(context, state.parameters(), state.routers(), routerLosses, statistics);
    graph = backend.record(this::enqueue);
  }

  private Tensor io(String name, DType dtype, long... extents) {
    return arena.own(name, Arena.Category.INPUT_OUTPUT, dtype, Shape.of(extents));
  }

  private void enqueue() {
    ops.zero(sums);
    ops.zero(statistics);
    ops.zero(context.state().overflow());
    ops.zero(context.state().requiredRows());
    transformer.forward(input, true);
    transformer.loss(sums.range(0, 1));
    transformer.countTargets(input, sums.range(1, 1));
    groups.world().allReduceMax(context.state().overflow());
    groups.world().allReduceMax(context.state().requiredRows());
    groups.world().allReduceSum(sums);
    gatherStatistics();
  }

  private void gatherStatistics() {
    if (statistics.elements() == 0) {
      return;
    }
    ops.zero(allStatistics);
    if (groups.experts().rank() == 0) {
      ops.copy(statistics, allStatistics.rows(groups.expertGroup(), 1));
    }
    groups.world().allReduceSum(allStatistics);
  }

  /**
   * Evaluates one micro-batch per rank and waits for the result.
   *
   * @param tokens {@code [microBatch, sequenceLength + 1]}; a sequence that shall not count is all
   *     end-of-text
   */
  public Result run(int[] tokens) {
    HostValues values = new HostValues(context.backend().hostIo());
    context.backend().hostIo().writeAll(input, tokens);
    graph.replay();
    double[] totals = values.doubles(sums);
    boolean overflow = values.longs(context.state().overflow())[0] != 0;
    long required = values.longs(context.state().requiredRows())[0];
    values.write(context.state().overflow(), 0);
    return new Result(totals[0], totals[1], overflow, required);
  }

  /** After {@link #run}: loads of its micro-batch, the same on every rank. */
  public LoadStatistics loads() {
    double[] values = new HostValues(context.backend().hostIo()).doubles(allStatistics);
    return new LoadStatistics(values, 0, context.model(), groups.experts().ranks(), 0);
  }

  /** After {@link #run}: logits of one token of this rank's micro-batch, {@code [vocabulary]}. */
  public double[] logits(int token) {
    return new HostValues(context.backend().hostIo()).doubles(transformer.logits(token, 1));
  }

  /** Expert rows this rank can hold. */
  public long rowCapacity() {
    return context.rowCapacity();
  }

  /** Bytes of the activations. */
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public void close() {
    graph.close();
    arena.close();
  }
}
