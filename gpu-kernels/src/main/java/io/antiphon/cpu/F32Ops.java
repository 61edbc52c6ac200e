package io.antiphon.cpu;

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

/**
 * The oracle: every operation as plain loops over doubles. Checks arguments, then runs or records.
 */
final class F32Ops implements Ops {
  private final Recorder recorder;
  private final OpShapes shapes = new OpShapes(DType.F32, DType.F32);
  private final MoeShapes moe = new MoeShapes(DType.F32, DType.F32);

  private final F32Memory memory;
  private final F32Norms norms;
  private final F32Rope rope;
  private final F32Attention attention;
  private final F32Activations activations;
  private final F32Router router;
  private final F32Loss loss;
  private final F32Optimizer optimizer;

  F32Ops(Recorder recorder) {
    this.recorder = recorder;
    F32Scratch scratch = new F32Scratch();
    memory = new F32Memory(scratch);
    norms = new F32Norms(scratch);
    rope = new F32Rope(scratch);
    attention = new F32Attention(scratch);
    activations = new F32Activations(scratch);
    router = new F32Router(scratch);
    loss = new F32Loss(scratch);
    optimizer = new F32Optimizer(scratch);
  }

  @Override
  public void zero(Tensor tensor) {
    recorder.submit(
        tensor.dtype() == DType.F32 ? memory.zero(tensor) : () -> MemoryOps.zero(tensor));
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    shapes.copy(from, to);
    recorder.submit(() -> MemoryOps.copy(from, to));
  }

  @Override
  public void add(Tensor x, Tensor into) {
    shapes.add(x, into);
    boolean fast = x.dtype() == DType.F32 && into.dtype() == DType.F32;
    recorder.submit(fast ? memory.add(x, into) : () -> MemoryOps.add(x, into));
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    shapes.addRow(row, x);
    boolean fast = row.dtype() == DType.F32 && x.dtype() == DType.F32;
    recorder.submit(fast ? memory.addRow(row, x) : () -> MemoryOps.addRow(row, x));
  }

  @Override
  public void prepareBatch(
      Tensor batch, int endOfText, Tensor inputs, Tensor targets, Tensor documentStarts) {
    shapes.prepareBatch(batch, inputs, targets, documentStarts);
    recorder.submit(
        () -> IntegerOps.prepareBatch(batch, endOfText, inputs, targets, documentStarts));
  }

  @Override
  public void countTargets(Tensor targets, Tensor count) {
    shapes.countTargets(targets, count);
    recorder.submit(() -> IntegerOps.countTargets(targets, count));
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    shapes.embed(ids, table, out);
    recorder.submit(memory.embed(ids, table, out));
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    shapes.embedBackward(ids, dOut, dTable);
    recorder.submit(memory.embedBackward(ids, dOut, dTable));
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    shapes.rmsNorm(x, weight, y, inverseRms);
    recorder.submit(norms.rmsNorm(x, weight, epsilon, y, inverseRms));
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    shapes.rmsNormBackward(x, weight, inverseRms, dY, dX, dWeight);
    recorder.submit(norms.rmsNormBackward(x, weight, inverseRms, dY, dX, dWeight));
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    shapes.gemm(transposeA, transposeB, a, b, c);
    recorder.submit(product(transposeA, transposeB, a, b, accumulate, c));
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    shapes.swiglu(gateUp, out);
    recorder.submit(activations.swiglu(gateUp, out));
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    shapes.swigluBackward(gateUp, dOut, dGateUp);
    recorder.submit(activations.swigluBackward(gateUp, dOut, dGateUp));
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    shapes.rope(x, documentStarts, sequenceLength);
    recorder.submit(rope.rope(x, documentStarts, sequenceLength, theta, inverse));
  }

  @Override
  public void attention(AttentionTensors tensors) {
    shapes.attention(tensors);
    recorder.submit(attention.attention(tensors));
  }

  @Override
  public void attentionBackward(AttentionTensors tensors, AttentionGradients gradients) {
    shapes.attentionBackward(tensors, gradients);
    recorder.submit(attention.attentionBackward(tensors, gradients));
  }

  @Override
  public void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    moe.route(logits, bias, routing, scores, topExperts, probs);
    recorder.submit(router.route(logits, bias, routing, scores, topExperts, probs));
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
    recorder.submit(router.routeBackward(scores, topExperts, probs, routing, dProbs, dLogits));
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
    recorder.submit(
        router.losses(
            logits,
            scores,
            topExperts,
            routing,
            sequenceLength,
            auxScale,
            zScale,
            dLogits,
            losses));
  }

  @Override
  public void countAssignments(Tensor topExperts, Tensor counts) {
    moe.countAssignments(topExperts, counts);
    recorder.submit(() -> IntegerOps.countAssignments(topExperts, counts));
  }

  @Override
  public void plan(PlannerKind planner, BalanceOptions options, Tensor counts, PlanTensors plan) {
    moe.plan(planner, options, counts, plan);
    recorder.submit(PlanOps.plan(planner, options, counts, plan));
  }

  @Override
  public void replan(
      BalanceOptions options, Tensor counts, Tensor held, Tensor toSend, PlanTensors plan) {
    moe.replan(options, counts, held, toSend, plan);
    recorder.submit(PlanOps.replan(options, counts, held, toSend, plan));
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
    recorder.submit(PlanOps.layoutRows(topExperts, counts, plan, rank, rowCapacity, rows, state));
  }

  @Override
  public void recordLoads(Tensor counts, PlanTensors plan, Tensor toSend, Tensor statistics) {
    moe.recordLoads(counts, plan, toSend, statistics);
    recorder.submit(PlanOps.recordLoads(counts, plan, toSend, statistics));
  }

  @Override
  public void groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    moe.groupedGemm(x, weights, rowCounts, y);
    recorder.submit(F32Experts.groupedGemm(x, weights, rowCounts, range, y));
  }

  @Override
  public void groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    moe.groupedGemmDgrad(dY, weights, rowCounts, dX);
    recorder.submit(F32Experts.groupedGemmDgrad(dY, weights, rowCounts, range, dX));
  }

  @Override
  public void groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    moe.groupedGemmWgrad(x, dY, rowCounts, gradients);
    recorder.submit(F32Experts.groupedGemmWgrad(x, dY, rowCounts, accumulate, gradients));
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    moe.expertSwiglu(gateUp, rowProbs, rowCounts, out);
    recorder.submit(activations.expertSwiglu(gateUp, rowProbs, rowCounts, out));
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
    recorder.submit(
        activations.expertSwigluBackward(gateUp, rowProbs, rowCounts, dOut, dGateUp, dRowProbs));
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    shapes.crossEntropy(logits, targets, targetCount, lossSum);
    recorder.submit(loss.crossEntropy(logits, targets, targetCount, lossSum));
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    shapes.crossEntropyLoss(logits, targets, lossSum);
    recorder.submit(loss.crossEntropyLoss(logits, targets, lossSum));
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    shapes.squaredNorm(gradient, sum);
    recorder.submit(optimizer.squaredNorm(gradient, sum));
  }

  @Override
  public void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    shapes.decideUpdate(squaredNorm, state);
    recorder.submit(() -> StepOps.decideUpdate(squaredNorm, maxNorm, schedule, state));
  }

  @Override
  public void adamW(AdamTensors tensors, AdamOptions options, StepState state) {
    shapes.adamW(tensors, state);
    recorder.submit(optimizer.adamW(tensors, options, state));
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    shapes.updateExpertBias(counts, state, bias);
    recorder.submit(optimizer.updateExpertBias(counts, rate, state, bias));
  }

  @Override
  public void commit(StepState state) {
    shapes.commit(state);
    recorder.submit(() -> StepOps.commit(state));
  }

  @Override
  public void push(Tensor record, StepState state, Tensor ring) {
    shapes.push(record, state, ring);
    recorder.submit(() -> MemoryOps.push(record, state, ring));
  }

  private static Runnable product(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    int m = c.extent(0);
    int n = c.extent(1);
    int k = a.extent(transposeA ? 0 : 1);
    BlasMatrix left = BlasMatrix.of(a);
    BlasMatrix right = BlasMatrix.of(b);
    BlasMatrix result = BlasMatrix.of(c);
    float keep = accumulate ? 1 : 0;
    return () -> Blas.gemm(transposeA, transposeB, m, n, k, 1, left, right, keep, result);
  }
}
