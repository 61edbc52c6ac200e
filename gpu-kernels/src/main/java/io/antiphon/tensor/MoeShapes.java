package io.antiphon.tensor;

import static io.antiphon.tensor.ArgumentChecks.form;
import static io.antiphon.tensor.ArgumentChecks.require;
import static io.antiphon.tensor.ArgumentChecks.wholeSequences;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;

/**
 * Demands of the router, plan and expert operations on their arguments, beside {@link OpShapes}.
 */
final class MoeShapes {
  private final DType real;
  private final DType master;

  /** Rules of a backend that computes in {@code real} and keeps masters in {@code master}. */
  MoeShapes(DType real, DType master) {
    this.real = real;
    this.master = master;
  }

  // ---- router

  /** Checks arguments of {@link Ops#route}. */
  void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    form("logits", logits, master, "tokens", "experts");
    bias.require("bias", master, Shape.of(logits.shape().extent(1)));
    scores.require("scores", master, logits.shape());
    choice(topExperts, routing, logits);
    probs.require("probs", master, topExperts.shape());
  }

  /** Checks arguments of {@link Ops#routeBackward}. */
  void routeBackward(
      Tensor scores,
      Routing routing,
      Tensor topExperts,
      Tensor probs,
      Tensor dProbs,
      Tensor dLogits) {
    form("scores", scores, master, "tokens", "experts");
    choice(topExperts, routing, scores);
    probs.require("probs", master, topExperts.shape());
    dProbs.require("dProbs", master, topExperts.shape());
    dLogits.require("dLogits", master, scores.shape());
  }

  /** Checks arguments of {@link Ops#routerLosses}. */
  void routerLosses(
      Tensor logits,
      Tensor scores,
      Tensor topExperts,
      Routing routing,
      int sequenceLength,
      Tensor dLogits,
      Tensor losses) {
    form("logits", logits, master, "tokens", "experts");
    scores.require("scores", master, logits.shape());
    choice(topExperts, routing, logits);
    wholeSequences(logits.shape().extent(0), sequenceLength);
    dLogits.require("dLogits", master, logits.shape());
    losses.require("losses", DType.F64, Shape.of(2));
  }

  /** Checks arguments of {@link Ops#countAssignments}. */
  void countAssignments(Tensor topExperts, Tensor counts) {
    form("topExperts", topExperts, DType.I32, "tokens", "topK");
    form("counts", counts, DType.I32, "experts");
  }

  private static void choice(Tensor topExperts, Routing routing, Tensor scores) {
    routing.requireExperts(scores.shape().extent(1));
    topExperts.require("topExperts", DType.I32, Shape.of(scores.shape().extent(0), routing.topK()));
  }

  // ---- plan and expert rows

  /** Checks arguments of {@link Ops#plan}. */
  void plan(PlannerKind planner, BalanceOptions options, Tensor counts, PlanTensors plan) {
    group(counts, plan);
    long ranks = counts.shape().extent(0);
    int slotsPerRank = (int) (plan.slots() / ranks);
    require(
        planner == PlannerKind.NONE || planner.accepts(slotsPerRank),
        planner.label() + " does not plan for " + slotsPerRank + " slots per rank");
    require(
        options.pairCapacity() == BalanceOptions.UNLIMITED,
        "options must not limit the rows of a pair of ranks, were " + options);
    require(
        slotsPerRank <= counts.shape().extent(1),
        "slotHome must not have more slots per rank than there are experts, was "
            + plan.slotHome());
  }

  /** Checks arguments of {@link Ops#replan}. */
  void replan(BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    plan(PlannerKind.BALANCED, options, counts, plan);
    held.require("held", DType.I32, plan.slotHome().shape());
    toSend.require("toSend", DType.I32, plan.slotHome().shape());
  }

  /** Checks arguments of {@link Ops#layoutRows}. */
  void layoutRows(
      Tensor topExperts,
      Tensor counts,
      PlanTensors plan,
      int rank,
      long rowCapacity,
      RowTensors rows,
      StepState state) {
    group(counts, plan);
    long ranks = counts.shape().extent(0);
    long experts = counts.shape().extent(1);
    form("topExperts", topExperts, DType.I32, "tokens", "topK");
    require(rank >= 0 && rank < ranks, "rank must be in [0, " + ranks + "), was " + rank);
    require(rowCapacity >= 0, "rowCapacity must be >= 0, was " + rowCapacity);
    rows.destinationRank().require("destinationRank", DType.I32, topExperts.shape());
    rows.destinationRow().require("destinationRow", DType.I32, topExperts.shape());
    Shape physical = Shape.of((experts + plan.slots()) / ranks);
    rows.rowCounts().require("rowCounts", DType.I32, physical);
    ArgumentChecks.state(state);
  }

  /** Checks arguments of {@link Ops#recordLoads}. */
  void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    group(counts, plan);
    toSend.require("toSend", DType.I32, plan.slotHome().shape());
    long ranks = counts.shape().extent(0);
    long experts = counts.shape().extent(1);
    statistics.require("statistics", DType.F64, Shape.of(experts + 2 * ranks + 4));
  }

  private static void group(Tensor counts, PlanTensors plan) {
    form("counts", counts, DType.I32, "ranks", "experts");
    long ranks = counts.shape().extent(0);
    require(
        ranks >= 1 && counts.shape().extent(1) >= 1 && counts.shape().extent(1) % ranks == 0,
        "counts must have a number of experts that its ranks divide, was " + counts);
    form("slotHome", plan.slotHome(), DType.I32, "slots");
    require(
        plan.slotHome().elements() % ranks == 0,
        "slotHome must have a number of slots that "
            + ranks
            + " ranks divide, was "
            + plan.slotHome());
    plan.quota().require("quota", DType.I32, plan.slotHome().shape());
    plan.toSlot().require("toSlot", DType.I32, Shape.of(ranks, plan.slotHome().elements()));
  }

  // ---- experts

  /** Checks arguments of {@link Ops#groupedGemm}. */
  void groupedGemm(Tensor x, ExpertWeights weights, Tensor rowCounts, Tensor y) {
    grouped(weights, real, rowCounts);
    form("x", x, real, "rows", "in");
    long rows = x.shape().extent(0);
    x.require("x", real, Shape.of(rows, weights.home().shape().extent(2)));
    y.require("y", real, Shape.of(rows, weights.home().shape().extent(1)));
  }

  /** Checks arguments of {@link Ops#groupedGemmDgrad}. */
  void groupedGemmDgrad(Tensor dY, ExpertWeights weights, Tensor rowCounts, Tensor dX) {
    grouped(weights, real, rowCounts);
    form("dY", dY, real, "rows", "out");
    long rows = dY.shape().extent(0);
    dY.require("dY", real, Shape.of(rows, weights.home().shape().extent(1)));
    dX.require("dX", real, Shape.of(rows, weights.home().shape().extent(2)));
  }

  /** Checks arguments of {@link Ops#groupedGemmWgrad}. */
  void groupedGemmWgrad(Tensor x, Tensor dY, Tensor rowCounts, ExpertWeights gradients) {
    grouped(gradients, master, rowCounts);
    form("x", x, real, "rows", "in");
    long rows = x.shape().extent(0);
    x.require("x", real, Shape.of(rows, gradients.home().shape().extent(2)));
    dY.require("dY", real, Shape.of(rows, gradients.home().shape().extent(1)));
  }

  /** Checks arguments of {@link Ops#expertSwiglu}. */
  void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    form("out", out, real, "rows", "ffn");
    gateUp.require("gateUp", real, OpShapes.gateUpOf(out));
    rowProbs.require("rowProbs", master, Shape.of(out.shape().extent(0)));
    form("rowCounts", rowCounts, DType.I32, "physicalExperts");
  }

  /** Checks arguments of {@link Ops#expertSwigluBackward}. */
  void expertSwigluBackward(
      Tensor gateUp,
      Tensor rowProbs,
      Tensor rowCounts,
      Tensor dOut,
      Tensor dGateUp,
      Tensor dRowProbs) {
    form("dOut", dOut, real, "rows", "ffn");
    gateUp.require("gateUp", real, OpShapes.gateUpOf(dOut));
    rowProbs.require("rowProbs", master, Shape.of(dOut.shape().extent(0)));
    form("rowCounts", rowCounts, DType.I32, "physicalExperts");
    dGateUp.require("dGateUp", real, gateUp.shape());
    dRowProbs.require("dRowProbs", master, rowProbs.shape());
  }

  private static void grouped(ExpertWeights weights, DType dtype, Tensor rowCounts) {
    form("home", weights.home(), dtype, "localExperts", "out", "in");
    form("slots", weights.slots(), dtype, "slotsPerRank", "out", "in");
    Shape slots = weights.home().shape().withRows(weights.slots().shape().extent(0));
    weights.slots().require("slots", dtype, slots);
    Shape physical = Shape.of(weights.home().shape().extent(0) + slots.extent(0));
    rowCounts.require("rowCounts", DType.I32, physical);
  }
}
