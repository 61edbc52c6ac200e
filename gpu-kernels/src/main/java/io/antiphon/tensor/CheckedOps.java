package io.antiphon.tensor;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;

/** Checks the arguments of every operation before a backend sees them. */
public final class CheckedOps implements Ops {
  private final OpShapes shapes;
  private final MoeShapes moe;
  private final OpParts parts;

  /**
   * The operations of a backend.
   *
   * @param real what it computes in
   * @param master type of its master weights
   */
  public CheckedOps(DType real, DType master, OpParts parts) {
    this.shapes = new OpShapes(real, master);
    this.moe = new MoeShapes(real, master);
    this.parts = parts;
  }

  @Override
  public void zero(Tensor tensor) {
    parts.memory().zero(tensor);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    shapes.copy(from, to);
    parts.memory().copy(from, to);
  }

  @Override
  public void add(Tensor x, Tensor into) {
    shapes.add(x, into);
    parts.memory().add(x, into);
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    shapes.addRow(row, x);
    parts.memory().addRow(row, x);
  }

  @Override
  public void prepareBatch(
      Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts) {
    shapes.prepareBatch(batch, inputs, targets, documentStarts);
    parts.batch().prepareBatch(batch, endOfText, inputs, targets, documentStarts);
  }

  @Override
  public void countTargets(Tensor targets, Tensor count) {
    shapes.countTargets(targets, count);
    parts.batch().countTargets(targets, count);
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    shapes.embed(ids, table, out);
    parts.embedding().embed(ids, table, out);
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    shapes.embedBackward(ids, dOut, dTable);
    parts.embedding().embedBackward(ids, dOut, dTable);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    shapes.rmsNorm(x, weight, y, inverseRms);
    parts.norm().rmsNorm(x, weight, epsilon, y, inverseRms);
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    shapes.rmsNormBackward(x, weight, inverseRms, dY, dX, dWeight);
    parts.norm().rmsNormBackward(x, weight, inverseRms, dY, dX, dWeight);
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    shapes.gemm(transposeA, transposeB, a, b, c);
    parts.gemm().gemm(transposeA, transposeB, a, b, accumulate, c);
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    shapes.swiglu(gateUp, out);
    parts.activation().swiglu(gateUp, out);
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    shapes.swigluBackward(gateUp, dOut, dGateUp);
    parts.activation().swigluBackward(gateUp, dOut, dGateUp);
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    shapes.rope(x, documentStarts, sequenceLength);
    parts.attention().rope(x, documentStarts, sequenceLength, theta, inverse);
  }

  @Override
  public void attention(AttentionTensors tensors) {
    shapes.attention(tensors);
    parts.attention().attention(tensors);
  }

  @Override
  public void attentionBackward(AttentionTensors tensors, AttentionGradients gradients) {
    shapes.attentionBackward(tensors, gradients);
    parts.attention().attentionBackward(tensors, gradients);
  }

  @Override
  public void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    moe.route(logits, bias, routing, scores, topExperts, probs);
    parts.router().route(logits, bias, routing, scores, topExperts, probs);
  }

  @Override
  public void routeBackward(
      Tensor scores,
      Tensor topExperts,
      Tensor probs,
      Routing routing,
      Tensor dProbs,
      Tensor dLogits) {
    moe.routeBackward(scores, routing, topExperts, probs, dProbs, dLogits);
    parts.router().routeBackward(scores, topExperts, probs, routing, dProbs, dLogits);
  }

  @Override
  public void routerLosses(
      Tensor logits,
      Tensor scores,
      Tensor topExperts,
      Routing routing,
      int sequenceLength,
      double auxScale,
      double zScale,
      Tensor dLogits,
      Tensor losses) {
    moe.routerLosses(logits, scores, topExperts, routing, sequenceLength, dLogits, losses);
    parts
        .router()
        .routerLosses(
            logits, scores, topExperts, routing, sequenceLength, auxScale, zScale, dLogits, losses);
  }

  @Override
  public void countAssignments(Tensor topExperts, Tensor counts) {
    moe.countAssignments(topExperts, counts);
    parts.plan().countAssignments(topExperts, counts);
  }

  @Override
  public void plan(PlannerKind planner, BalanceOptions options, Tensor counts, PlanTensors plan) {
    moe.plan(planner, options, counts, plan);
    parts.plan().plan(planner, options, counts, plan);
  }

  @Override
  public void replan(
      BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    moe.replan(options, counts, held, toSend, plan);
    parts.plan().replan(options, counts, held, toSend, plan);
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
    moe.layoutRows(topExperts, counts, plan, rank, rowCapacity, rows, state);
    parts.plan().layoutRows(topExperts, counts, plan, rank, rowCapacity, rows, state);
  }

  @Override
  public void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    moe.recordLoads(counts, plan, toSend, statistics);
    parts.plan().recordLoads(counts, plan, toSend, statistics);
  }

  @Override
  public void groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    moe.groupedGemm(x, weights, rowCounts, y);
    parts.groupedGemm().groupedGemm(x, weights, rowCounts, range, y);
  }

  @Override
  public void groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    moe.groupedGemmDgrad(dY, weights, rowCounts, dX);
    parts.groupedGemm().groupedGemmDgrad(dY, weights, rowCounts, range, dX);
  }

  @Override
  public void groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    moe.groupedGemmWgrad(x, dY, rowCounts, gradients);
    parts.groupedGemm().groupedGemmWgrad(x, dY, rowCounts, accumulate, gradients);
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    moe.expertSwiglu(gateUp, rowProbs, rowCounts, out);
    parts.activation().expertSwiglu(gateUp, rowProbs, rowCounts, out);
  }

  @Override
  public void expertSwigluBackward(
      Tensor gateUp,
      Tensor rowProbs,
      Tensor rowCounts,
      Tensor dOut,
      Tensor dGateUp,
      Tensor dRowProbs) {
    moe.expertSwigluBackward(gateUp, rowProbs, rowCounts, dOut, dGateUp, dRowProbs);
    parts.activation().expertSwigluBackward(gateUp, rowProbs, rowCounts, dOut, dGateUp, dRowProbs);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    shapes.crossEntropy(logits, targets, targetCount, lossSum);
    parts.loss().crossEntropy(logits, targets, targetCount, lossSum);
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    shapes.crossEntropyLoss(logits, targets, lossSum);
    parts.loss().crossEntropyLoss(logits, targets, lossSum);
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    shapes.squaredNorm(gradient, sum);
    parts.update().squaredNorm(gradient, sum);
  }

  @Override
  public void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    shapes.decideUpdate(squaredNorm, state);
    parts.update().decideUpdate(squaredNorm, maxNorm, schedule, state);
  }

  @Override
  public void adamW(AdamTensors tensors, AdamOptions options, StepState state) {
    shapes.adamW(tensors, state);
    parts.update().adamW(tensors, options, state);
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    shapes.updateExpertBias(counts, state, bias);
    parts.update().updateExpertBias(counts, rate, state, bias);
  }

  @Override
  public void commit(StepState state) {
    shapes.commit(state);
    parts.update().commit(state);
  }

  @Override
  public void push(Tensor record, StepState state, Tensor ring) {
    shapes.push(record, state, ring);
    parts.update().push(record, state, ring);
  }
}
