package io.antiphon.kernel;

import io.antiphon.tensor.*;

/** Operations of one lane. */
final class CudaOps implements Ops, AutoCloseable {
  CudaOps(Launchers launchers, CudaLane lane, OpCounter operations, DType real) {}

  @Override
  public void zero(Tensor tensor) {
    throw new UnsupportedOperationException("zero");
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    throw new UnsupportedOperationException("copy");
  }

  @Override
  public void add(Tensor x, Tensor into) {
    throw new UnsupportedOperationException("add");
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    throw new UnsupportedOperationException("addRow");
  }

  @Override
  public void prepareBatch(
      Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts) {
    throw new UnsupportedOperationException("prepareBatch");
  }

  @Override
  public void countTargets(Tensor targets, Tensor count) {
    throw new UnsupportedOperationException("countTargets");
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    throw new UnsupportedOperationException("embed");
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    throw new UnsupportedOperationException("embedBackward");
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    throw new UnsupportedOperationException("rmsNorm");
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    throw new UnsupportedOperationException("rmsNormBackward");
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    throw new UnsupportedOperationException("gemm");
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    throw new UnsupportedOperationException("swiglu");
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    throw new UnsupportedOperationException("swigluBackward");
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    throw new UnsupportedOperationException("rope");
  }

  @Override
  public void attention(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor documentStarts,
      int sequenceLength,
      Tensor out,
      Tensor logSumExp) {
    throw new UnsupportedOperationException("attention");
  }

  @Override
  public void attentionBackward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor documentStarts,
      int sequenceLength,
      Tensor out,
      Tensor logSumExp,
      Tensor dOut,
      Tensor dQ,
      Tensor dK,
      Tensor dV) {
    throw new UnsupportedOperationException("attentionBackward");
  }

  @Override
  public void route(
      Tensor logits,
      Tensor bias,
      ScoreOrder order,
      Tensor scores,
      Tensor topExperts,
      Tensor probs) {
    throw new UnsupportedOperationException("route");
  }

  @Override
  public void routeBackward(
      Tensor scores,
      Tensor topExperts,
      Tensor probs,
      ScoreOrder order,
      Tensor dProbs,
      Tensor dLogits) {
    throw new UnsupportedOperationException("routeBackward");
  }

  @Override
  public void routerLosses(
      Tensor logits,
      Tensor scores,
      Tensor topExperts,
      int sequenceLength,
      double auxScale,
      double zScale,
      Tensor dLogits,
      Tensor losses) {
    throw new UnsupportedOperationException("routerLosses");
  }

  @Override
  public void countAssignments(Tensor topExperts, Tensor counts) {
    throw new UnsupportedOperationException("countAssignments");
  }

  @Override
  public void plan(PlanAlgorithm algorithm, Tensor counts, PlanTensors plan) {
    throw new UnsupportedOperationException("plan");
  }

  @Override
  public void replan(
      PlanAlgorithm algorithm, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    throw new UnsupportedOperationException("replan");
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
    throw new UnsupportedOperationException("layoutRows");
  }

  @Override
  public void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    throw new UnsupportedOperationException("recordLoads");
  }

  @Override
  public void groupedGemm(Tensor x, ExpertWeights weights, Tensor rowCounts, Tensor y) {
    throw new UnsupportedOperationException("groupedGemm");
  }

  @Override
  public void groupedGemmDgrad(Tensor dY, ExpertWeights weights, Tensor rowCounts, Tensor dX) {
    throw new UnsupportedOperationException("groupedGemmDgrad");
  }

  @Override
  public void groupedGemmWgrad(Tensor x, Tensor dY, Tensor rowCounts, ExpertWeights gradients) {
    throw new UnsupportedOperationException("groupedGemmWgrad");
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    throw new UnsupportedOperationException("expertSwiglu");
  }

  @Override
  public void expertSwigluBackward(
      Tensor gateUp,
      Tensor rowProbs,
      Tensor rowCounts,
      Tensor dOut,
      Tensor dGateUp,
      Tensor dRowProbs) {
    throw new UnsupportedOperationException("expertSwigluBackward");
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    throw new UnsupportedOperationException("crossEntropy");
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    throw new UnsupportedOperationException("crossEntropyLoss");
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    throw new UnsupportedOperationException("squaredNorm");
  }

  @Override
  public void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    throw new UnsupportedOperationException("decideUpdate");
  }

  @Override
  public void adamW(AdamTensors tensors, AdamOptions options, StepState state) {
    throw new UnsupportedOperationException("adamW");
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    throw new UnsupportedOperationException("updateExpertBias");
  }

  @Override
  public void commit(StepState state) {
    throw new UnsupportedOperationException("commit");
  }

  @Override
  public void push(Tensor record, StepState state, Tensor ring) {
    throw new UnsupportedOperationException("push");
  }

  @Override
  public void close() {}
}
