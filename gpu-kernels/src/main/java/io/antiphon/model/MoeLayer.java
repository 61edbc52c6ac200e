package io.antiphon.model;

import io.antiphon.tensor.Collectives;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.Lane;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.Tensor;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A mixture of experts with its norm. Every forward plans, from the counts of all ranks of the
 * expert-parallel group, which experts to clone into which slots; then tokens go to physical
 * experts.
 */
final class MoeLayer implements Layer {
  private final StepContext context;
  private final Ops ops;
  private final Collectives group;
  private final int moeLayer;
  private final ModelParameters.Ffn experts;
  private final Parameter norm;
  private final Router router;
  private final SlotPool slots;
  private final Optional<SwigluNetwork> shared;
  private final Tensor statistics;

  private final Tensor inverseRms;
  private final Tensor normed;
  private final Tensor counts;
  private final Tensor allCounts;
  private final PlanTensors plan;
  private final Tensor toSend;
  private final Optional<Tensor> held;
  private final RowTensors rows;
  private final Tensor expertIn;
  private final Tensor rowProbs;
  private final Tensor gateUp;
  private final Tensor activated;
  private final Tensor expertOut;
  private final Tensor combined;
  private final Tensor dNormed;
  private final Tensor dProbs;
  private final Tensor dExpertOut;
  private final Tensor dActivated;
  private final Tensor dGateUp;
  private final Tensor dRowProbs;
  private final Tensor dExpertIn;

  /**
   * @param moeLayer position among the mixture-of-experts layers
   * @param statistics F64, loads of this layer, added to (see {@link Ops#recordLoads})
   */
  MoeLayer(
      StepContext context,
      int moeLayer,
      Parameter norm,
      ModelParameters.Moe parameters,
      Router.RouterState routerState,
      SlotPool slots,
      Tensor losses,
      Tensor statistics,
      String layer) {
    this.context = context;
    this.ops = context.ops();
    this.group = context.groups().experts();
    this.moeLayer = moeLayer;
    this.norm = norm;
    this.experts = parameters.experts();
    this.slots = slots;
    this.statistics = statistics;
    Buffers buffers = new Buffers(context, layer + ".moe");
    this.router = new Router(context, buffers, parameters.router(), routerState, losses);
    MoeOptions moe = context.model().moe();
    this.shared =
        parameters
            .shared()
            .map(ffn -> new SwigluNetwork(context, buffers, ffn, moe.sharedFfn(), "shared"));

    DType real = context.real();
    DType master = context.master();
    int tokens = context.tokens();
    int hidden = context.model().hidden();
    int ranks = group.ranks();
    long slotCount = (long) moe.echo().slotsPerRank() * ranks;
    int physicalExperts = moe.experts() / ranks + moe.echo().slotsPerRank();
    long capacity = context.rowCapacity();
    inverseRms = buffers.saved("ffn.inverse-rms", master, tokens);
    normed = buffers.saved("ffn.normed", real, tokens, hidden);
    counts = buffers.scratch("moe.counts", DType.I32, moe.experts());
    allCounts = buffers.scratch("moe.all-counts", DType.I32, ranks, moe.experts());
    plan =
        new PlanTensors(
            buffers.kept("slot-home", DType.I32, slotCount),
            buffers.kept("quota", DType.I32, slotCount),
            buffers.kept("to-slot", DType.I32, ranks, slotCount));
    if (context.reuseClones()) {
      toSend = buffers.kept("to-send", DType.I32, slotCount);
      held = Optional.of(buffers.kept("held", DType.I32, slotCount));
    } else {
      toSend = plan.slotHome();
      held = Optional.empty();
    }
    rows =
        new RowTensors(
            buffers.kept("destination-rank", DType.I32, tokens, moe.topK()),
            buffers.kept("destination-row", DType.I32, tokens, moe.topK()),
            buffers.kept("row-counts", DType.I32, physicalExperts));
    expertIn = buffers.saved("moe.expert-in", real, capacity, hidden);
    rowProbs = buffers.saved("moe.row-probs", master, capacity);
    gateUp = buffers.saved("moe.gate-up", real, capacity, 2L * moe.expertFfn());
    activated = buffers.saved("moe.activated", real, capacity, moe.expertFfn());
    expertOut = buffers.scratch("moe.expert-out", real, capacity, hidden);
    combined = buffers.scratch("moe.combined", real, tokens, hidden);
    dNormed = buffers.scratch("d-normed", real, tokens, hidden);
    dProbs = buffers.scratch("moe.d-probs", master, tokens, moe.topK());
    dExpertOut = buffers.scratch("moe.d-expert-out", real, capacity, hidden);
    dActivated = buffers.scratch("moe.d-activated", real, capacity, moe.expertFfn());
    dGateUp = buffers.scratch("moe.d-gate-up", real, capacity, 2L * moe.expertFfn());
    dRowProbs = buffers.scratch("moe.d-row-probs", master, capacity);
    dExpertIn = buffers.scratch("moe.d-expert-in", real, capacity, hidden);
  }

  @Override
  public void forward(Tensor x, Tensor y, Pass pass) {
    ops.rmsNorm(x, norm.weight(), context.model().normEpsilon(), normed, inverseRms);
    if (pass == Pass.FORWARD) {
      routeAndPlan();
    }
    SlotPool.Filling filling = slots.fillForward(moeLayer, experts, toSend);
    group.dispatch(normed, rows, expertIn);
    group.dispatchScalars(router.probs(), rows, rowProbs);
    homeThenSlots(
        filling.gateUp(),
        range ->
            ops.groupedGemm(
                expertIn, slots.gateUp(moeLayer, experts), rows.rowCounts(), range, gateUp));
    ops.expertSwiglu(gateUp, rowProbs, rows.rowCounts(), activated);
    if (pass == Pass.RECOMPUTE) {
      shared.ifPresent(network -> network.activate(normed));
      return;
    }
    context.backend().computeLane().await(filling.down());
    ops.groupedGemm(activated, slots.down(moeLayer, experts), rows.rowCounts(), expertOut);
    group.combine(expertOut, rows, combined);
    ops.copy(x, y);
    ops.add(combined, y);
    shared.ifPresent(network -> network.forward(normed, y));
  }

  /** Home experts compute while the slots' weights are still on their way. */
  private void homeThenSlots(Lane.Mark slotsFilled, Consumer<ExpertRange> gemm) {
    if (plan.slots() == 0) {
      context.backend().computeLane().await(slotsFilled);
      gemm.accept(ExpertRange.ALL);
      return;
    }
    gemm.accept(ExpertRange.HOME);
    context.backend().computeLane().await(slotsFilled);
    gemm.accept(ExpertRange.SLOTS);
  }

  private void routeAndPlan() {
    router.forward(normed);
    ops.countAssignments(router.topExperts(), counts);
    group.allGather(counts, allCounts);
    plan();
    ops.layoutRows(
        router.topExperts(),
        allCounts,
        plan,
        group.rank(),
        context.rowCapacity(),
        rows,
        context.state());
    ops.recordLoads(allCounts, plan, toSend, statistics);
    context.routing().ifPresent(routing -> ops.copy(allCounts, routing.of(moeLayer)));
  }

  /** Plans. When a step is captured it is known whether slots hold anything, but not what. */
  private void plan() {
    EchoOptions echo = context.model().moe().echo();
    if (slots.holdsWeights(moeLayer)) {
      ops.replan(echo.balance(), allCounts, held.orElseThrow(), toSend, plan);
      return;
    }
    ops.plan(echo.planner(), echo.balance(), allCounts, plan);
    if (context.reuseClones()) {
      ops.copy(plan.slotHome(), toSend);
      ops.copy(plan.slotHome(), held.orElseThrow());
    }
  }

  @Override
  public void backward(Tensor x, Tensor dX) {
    Tensor rowCounts = rows.rowCounts();
    SlotPool.Filling filling = slots.fillBackward(moeLayer, experts, toSend);
    group.dispatch(dX, rows, dExpertOut);
    homeThenSlots(
        filling.down(),
        range ->
            ops.groupedGemmDgrad(
                dExpertOut, slots.down(moeLayer, experts), rowCounts, range, dActivated));
    boolean accumulate = slots.accumulatesGradients();
    ops.groupedGemmWgrad(
        activated, dExpertOut, rowCounts, accumulate, slots.downGradient(moeLayer, experts));
    slots.reduceDown(moeLayer, experts, plan.slotHome());
    ops.expertSwigluBackward(gateUp, rowProbs, rowCounts, dActivated, dGateUp, dRowProbs);
    context.backend().computeLane().await(filling.gateUp());
    ops.groupedGemmDgrad(dGateUp, slots.gateUp(moeLayer, experts), rowCounts, dExpertIn);
    ops.groupedGemmWgrad(
        expertIn, dGateUp, rowCounts, accumulate, slots.gateUpGradient(moeLayer, experts));
    slots.reduceGateUp(moeLayer, experts, plan.slotHome());
    group.combine(dExpertIn, rows, dNormed);
    group.combineScalars(dRowProbs, rows, dProbs);
    router.backward(normed, dProbs, dNormed);
    shared.ifPresent(network -> network.backward(normed, dX, dNormed));
    ops.rmsNormBackward(x, norm.weight(), inverseRms, dNormed, dX, norm.gradient());
  }
}
