package io.antiphon.kernel;

import io.antiphon.device.Stream;
import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.PlannerKind;
import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.MoeShapes;
import io.antiphon.tensor.OpShapes;
import io.antiphon.tensor.Ops;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.RowTensors;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;

/** Operations of one lane: checks arguments, then enqueues kernels. */
final class CudaOps implements Ops {
  private final Launchers launchers;
  private final CudaLane lane;
  private final OpCounter operations;
  private final OpShapes shapes;
  private final MoeShapes moe;

  CudaOps(Launchers launchers, CudaLane lane, OpCounter operations, DType real) {
    this.launchers = launchers;
    this.lane = lane;
    this.operations = operations;
    this.shapes = new OpShapes(real, DType.F32);
    this.moe = new MoeShapes(real, DType.F32);
  }

  private Stream stream() {
    operations.add();
    return lane.stream();
  }

  @Override
  public void zero(Tensor tensor) {
    launchers.memory().zero(stream(), tensor);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    shapes.copy(from, to);
    launchers.memory().copy(stream(), from, to);
  }

  @Override
  public void add(Tensor x, Tensor into) {
    shapes.add(x, into);
    launchers.memory().add(stream(), x, into);
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    shapes.addRow(row, x);
    launchers.memory().addRow(stream(), row, x);
  }

  @Override
  public void prepareBatch(
      Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts) {
    shapes.prepareBatch(batch, inputs, targets, documentStarts);
    launchers.batch().prepareBatch(stream(), batch, endOfText, inputs, targets, documentStarts);
  }

  @Override
  public void countTargets(Tensor targets, Tensor count) {
    shapes.countTargets(targets, count);
    launchers.batch().countTargets(stream(), targets, count);
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    shapes.embed(ids, table, out);
    launchers.embedding().embed(stream(), ids, table, out);
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    shapes.embedBackward(ids, dOut, dTable);
    launchers.embedding().embedBackward(stream(), ids, dOut, dTable);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    shapes.rmsNorm(x, weight, y, inverseRms);
    launchers.rmsNorm().rmsNorm(stream(), x, weight, epsilon, y, inverseRms);
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    shapes.rmsNormBackward(x, weight, inverseRms, dY, dX, dWeight);
    launchers.rmsNorm().rmsNormBackward(stream(), x, weight, inverseRms, dY, dX, dWeight);
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    shapes.gemm(transposeA, transposeB, a, b, c);
    launchers.gemm().gemm(stream(), transposeA, transposeB, a, b, accumulate, c);
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    shapes.swiglu(gateUp, out);
    launchers.swiglu().swiglu(stream(), gateUp, out);
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    shapes.swigluBackward(gateUp, dOut, dGateUp);
    launchers.swiglu().swigluBackward(stream(), gateUp, dOut, dGateUp);
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    shapes.rope(x, documentStarts, sequenceLength);
    launchers.rope().rope(stream(), x, documentStarts, sequenceLength, theta, inverse);
  }

  @Override
  public void attention(AttentionTensors tensors) {
    shapes.attention(tensors);
    launchers.attention().attention(stream(), tensors);
  }

  @Override
  public void attentionBackward(AttentionTensors tensors, AttentionGradients gradients) {
    shapes.attentionBackward(tensors, gradients);
    launchers.attention().attentionBackward(stream(), tensors, gradients);
  }

  @Override
  public void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    moe.route(logits, bias, routing, scores, topExperts, probs);
    launchers.router().route(stream(), logits, bias, routing, scores, topExperts, probs);
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
    launchers.router().routeBackward(stream(), scores, topExperts, probs, routing, dProbs, dLogits);
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
    launchers
        .routerLosses()
        .routerLosses(
            stream(),
            logits,
            scores,
            topExperts,
            routing,
            sequenceLength,
            auxScale,
            zScale,
            dLogits,
            losses);
  }

  @Override
  public void countAssignments(Tensor topExperts, Tensor counts) {
    moe.countAssignments(topExperts, counts);
    launchers.countAssignments().countAssignments(stream(), topExperts, counts);
  }

  @Override
  public void plan(PlannerKind planner, BalanceOptions options, Tensor counts, PlanTensors plan) {
    moe.plan(planner, options, counts, plan);
    launchers.plan().plan(stream(), planner, options, counts, plan);
  }

  @Override
  public void replan(
      BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    moe.replan(options, counts, held, toSend, plan);
    launchers.plan().replan(stream(), options, counts, held, toSend, plan);
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
    launchers
        .layoutRows()
        .layoutRows(stream(), topExperts, counts, plan, rank, rowCapacity, rows, state);
  }

  @Override
  public void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    moe.recordLoads(counts, plan, toSend, statistics);
    launchers.recordLoads().recordLoads(stream(), counts, plan, toSend, statistics);
  }

  @Override
  public void groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    moe.groupedGemm(x, weights, rowCounts, y);
    launchers.groupedGemm().groupedGemm(stream(), x, weights, rowCounts, range, y);
  }

  @Override
  public void groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    moe.groupedGemmDgrad(dY, weights, rowCounts, dX);
    launchers.groupedGemm().groupedGemmDgrad(stream(), dY, weights, rowCounts, range, dX);
  }

  @Override
  public void groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    moe.groupedGemmWgrad(x, dY, rowCounts, gradients);
    launchers.groupedGemm().groupedGemmWgrad(stream(), x, dY, rowCounts, accumulate, gradients);
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    moe.expertSwiglu(gateUp, rowProbs, rowCounts, out);
    launchers.swiglu().expertSwiglu(stream(), gateUp, rowProbs, rowCounts, out);
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
    launchers
        .swiglu()
        .expertSwigluBackward(stream(), gateUp, rowProbs, rowCounts, dOut, dGateUp, dRowProbs);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    shapes.crossEntropy(logits, targets, targetCount, lossSum);
    launchers.crossEntropy().crossEntropy(stream(), logits, targets, targetCount, lossSum);
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    shapes.crossEntropyLoss(logits, targets, lossSum);
    launchers.crossEntropy().crossEntropyLoss(stream(), logits, targets, lossSum);
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    shapes.squaredNorm(gradient, sum);
    launchers.optimizer().squaredNorm(stream(), gradient, sum);
  }

  @Override
  public void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    shapes.decideUpdate(squaredNorm, state);
    launchers.step().decideUpdate(stream(), squaredNorm, maxNorm, schedule, state);
  }

  @Override
  public void adamW(AdamTensors tensors, AdamOptions options, StepState state) {
    shapes.adamW(tensors, state);
    launchers.optimizer().adamW(stream(), tensors, options, state);
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    shapes.updateExpertBias(counts, state, bias);
    launchers.step().updateExpertBias(stream(), counts, rate, state, bias);
  }

  @Override
  public void commit(StepState state) {
    shapes.commit(state);
    launchers.step().commit(stream(), state);
  }

  @Override
  public void push(Tensor record, StepState state, Tensor ring) {
    shapes.push(record, state, ring);
    launchers.step().push(stream(), record, state, ring);
  }
}
