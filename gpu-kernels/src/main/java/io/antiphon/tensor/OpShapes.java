package io.antiphon.tensor;

import static io.antiphon.tensor.ArgumentChecks.floating;
import static io.antiphon.tensor.ArgumentChecks.form;
import static io.antiphon.tensor.ArgumentChecks.length;
import static io.antiphon.tensor.ArgumentChecks.require;
import static io.antiphon.tensor.ArgumentChecks.scalar;
import static io.antiphon.tensor.ArgumentChecks.type;
import static io.antiphon.tensor.ArgumentChecks.wholeSequences;

/**
 * What each operation demands of its arguments: one method per method of {@link
 * io.antiphon.tensor.Ops}, of the same name, that throws {@link IllegalArgumentException} naming
 * the argument. Router and expert operations are in {@link MoeShapes}.
 */
final class OpShapes {
  private final DType real;
  private final DType master;

  /** Rules of a backend that computes in {@code real} and keeps masters in {@code master}. */
  OpShapes(DType real, DType master) {
    this.real = real;
    this.master = master;
  }

  // ---- memory

  /** Checks arguments of {@link Ops#copy}. */
  void copy(Tensor from, Tensor to) {
    length("to", to, from.elements());
  }

  /** Checks arguments of {@link Ops#add}. */
  void add(Tensor x, Tensor into) {
    length("into", into, x.elements());
    require(
        x.dtype().isFloating() == into.dtype().isFloating(),
        "x and into must be both floating or both integer, were " + x + " and " + into);
  }

  /** Checks arguments of {@link Ops#addRow}. */
  void addRow(Tensor row, Tensor x) {
    floating("row", row);
    floating("x", x);
    form("x", x, x.dtype(), "n", "columns");
    row.require("row", row.dtype(), Shape.of(x.shape().extent(1)));
  }

  // ---- input

  /** Checks arguments of {@link Ops#prepareBatch}. */
  void prepareBatch(Tensor batch, Tensor inputs, Tensor targets, Tensor documentStarts) {
    form("batch", batch, DType.I32, "sequences", "sequenceLength + 1");
    long sequenceLength = batch.shape().extent(1) - 1;
    require(sequenceLength >= 1, "batch must have at least 2 tokens in a row, was " + batch);
    Shape tokens = Shape.of(batch.shape().extent(0) * sequenceLength);
    inputs.require("inputs", DType.I32, tokens);
    targets.require("targets", DType.I32, tokens);
    documentStarts.require("documentStarts", DType.I32, tokens);
  }

  /** Checks arguments of {@link Ops#countTargets}. */
  void countTargets(Tensor targets, Tensor count) {
    form("targets", targets, DType.I32, "n");
    scalar("count", count, DType.F64);
  }

  /** Checks arguments of {@link Ops#embed}. */
  void embed(Tensor ids, Tensor table, Tensor out) {
    form("ids", ids, DType.I32, "tokens");
    form("table", table, real, "vocabulary", "hidden");
    out.require("out", real, Shape.of(ids.elements(), table.shape().extent(1)));
  }

  /** Checks arguments of {@link Ops#embedBackward}. */
  void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    form("ids", ids, DType.I32, "tokens");
    form("dTable", dTable, master, "vocabulary", "hidden");
    dOut.require("dOut", real, Shape.of(ids.elements(), dTable.shape().extent(1)));
  }

  // ---- norm, GEMM, activation

  /** Checks arguments of {@link Ops#rmsNorm}. */
  void rmsNorm(Tensor x, Tensor weight, Tensor y, Tensor inverseRms) {
    form("x", x, real, "tokens", "hidden");
    require(x.shape().extent(1) >= 1, "x must have columns, was " + x);
    weight.require("weight", real, Shape.of(x.shape().extent(1)));
    y.require("y", real, x.shape());
    inverseRms.require("inverseRms", master, Shape.of(x.shape().extent(0)));
  }

  /** Checks arguments of {@link Ops#rmsNormBackward}. */
  void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    rmsNorm(x, weight, x, inverseRms);
    dY.require("dY", real, x.shape());
    dX.require("dX", real, x.shape());
    dWeight.require("dWeight", master, weight.shape());
  }

  /** Checks arguments of {@link Ops#gemm}. */
  void gemm(boolean transposeA, boolean transposeB, Tensor a, Tensor b, Tensor c) {
    form("a", a, real, transposeA ? new String[] {"k", "m"} : new String[] {"m", "k"});
    long m = a.shape().extent(transposeA ? 1 : 0);
    long k = a.shape().extent(transposeA ? 0 : 1);
    form("b", b, real, transposeB ? new String[] {"n", "k"} : new String[] {"k", "n"});
    long n = b.shape().extent(transposeB ? 0 : 1);
    b.require("b", real, transposeB ? Shape.of(n, k) : Shape.of(k, n));
    c.require("c", c.dtype() == master ? master : real, Shape.of(m, n));
  }

  /** Checks arguments of {@link Ops#swiglu}. */
  void swiglu(Tensor gateUp, Tensor out) {
    form("out", out, real, "n", "ffn");
    gateUp.require("gateUp", real, gateUpOf(out));
  }

  /** Checks arguments of {@link Ops#swigluBackward}. */
  void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    form("dOut", dOut, real, "n", "ffn");
    gateUp.require("gateUp", real, gateUpOf(dOut));
    dGateUp.require("dGateUp", real, gateUp.shape());
  }

  /** Shape of gate and up side by side for activations shaped like {@code out}. */
  static Shape gateUpOf(Tensor out) {
    return Shape.of(out.shape().extent(0), 2 * out.shape().extent(1));
  }

  // ---- attention

  /** Checks arguments of {@link Ops#rope}. */
  void rope(Tensor x, Tensor documentStarts, int sequenceLength) {
    form("x", x, real, "tokens", "heads", "headDim");
    require(x.shape().extent(2) % 2 == 0, "x must have an even headDim, was " + x);
    wholeSequences(x.shape().extent(0), sequenceLength);
    documentStarts.require("documentStarts", DType.I32, Shape.of(x.shape().extent(0)));
  }

  /** Checks arguments of {@link Ops#attention}. */
  void attention(AttentionTensors t) {
    form("q", t.q(), real, "tokens", "heads", "headDim");
    form("k", t.k(), real, "tokens", "keyValueHeads", "headDim");
    long tokens = t.q().shape().extent(0);
    long heads = t.q().shape().extent(1);
    long keyValueHeads = t.k().shape().extent(1);
    wholeSequences(tokens, t.sequenceLength());
    require(
        keyValueHeads >= 1 && heads % keyValueHeads == 0,
        "k must have a number of heads that divides those of q " + t.q() + ", was " + t.k());
    t.k().require("k", real, Shape.of(tokens, keyValueHeads, t.q().shape().extent(2)));
    t.v().require("v", real, t.k().shape());
    t.documentStarts().require("documentStarts", DType.I32, Shape.of(tokens));
    t.out().require("out", real, t.q().shape());
    t.logSumExp().require("logSumExp", master, Shape.of(tokens, heads));
  }

  /** Checks arguments of {@link Ops#attentionBackward}. */
  void attentionBackward(AttentionTensors t, AttentionGradients gradients) {
    attention(t);
    gradients.dOut().require("dOut", real, t.q().shape());
    gradients.dQ().require("dQ", real, t.q().shape());
    gradients.dK().require("dK", real, t.k().shape());
    gradients.dV().require("dV", real, t.k().shape());
  }

  // ---- loss

  /** Checks arguments of {@link Ops#crossEntropy}. */
  void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    crossEntropyLoss(logits, targets, lossSum);
    scalar("targetCount", targetCount, DType.F64);
  }

  /** Checks arguments of {@link Ops#crossEntropyLoss}. */
  void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    form("logits", logits, real, "n", "vocabulary");
    targets.require("targets", DType.I32, Shape.of(logits.shape().extent(0)));
    scalar("lossSum", lossSum, DType.F64);
  }

  // ---- optimizer and commit

  /** Checks arguments of {@link Ops#squaredNorm}. */
  void squaredNorm(Tensor gradient, Tensor sum) {
    type("gradient", gradient, master);
    scalar("sum", sum, DType.F64);
  }

  /** Checks arguments of {@link Ops#decideUpdate}. */
  void decideUpdate(Tensor squaredNorm, StepState state) {
    scalar("squaredNorm", squaredNorm, DType.F64);
    ArgumentChecks.state(state);
  }

  /** Checks arguments of {@link Ops#adamW}. */
  void adamW(AdamTensors tensors, StepState state) {
    long elements = tensors.master().elements();
    type("master", tensors.master(), master);
    type("gradient", tensors.gradient(), master);
    length("gradient", tensors.gradient(), elements);
    type("firstMoment", tensors.firstMoment(), master);
    length("firstMoment", tensors.firstMoment(), elements);
    type("secondMoment", tensors.secondMoment(), master);
    length("secondMoment", tensors.secondMoment(), elements);
    type("weight", tensors.weight(), real);
    length("weight", tensors.weight(), elements);
    ArgumentChecks.state(state);
  }

  /** Checks arguments of {@link Ops#updateExpertBias}. */
  void updateExpertBias(Tensor counts, StepState state, Tensor bias) {
    form("bias", bias, master, "experts");
    counts.require("counts", DType.F64, bias.shape());
    ArgumentChecks.state(state);
  }

  /** Checks arguments of {@link Ops#commit}. */
  void commit(StepState state) {
    ArgumentChecks.state(state);
  }

  /** Checks arguments of {@link Ops#push}. */
  void push(Tensor record, StepState state, Tensor ring) {
    form("ring", ring, record.dtype(), "slots", "n");
    require(ring.shape().extent(0) >= 1, "ring must have at least one slot, was " + ring);
    record.require("record", ring.dtype(), Shape.of(ring.shape().extent(1)));
    ArgumentChecks.state(state);
  }
}
