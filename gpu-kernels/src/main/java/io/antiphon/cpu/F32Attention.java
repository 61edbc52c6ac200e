package io.antiphon.cpu;

import io.antiphon.tensor.AttentionGradients;
import io.antiphon.tensor.AttentionTensors;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/**
 * Causal grouped-query attention in fp32. All products of a block are calls of the BLAS library on
 * the tensors as they lie; the softmax between them works on a Java array. Scores exist for one
 * block at a time.
 */
final class F32Attention implements OpParts.Attention {
  private final Recorder recorder;
  private final F32Scratch scratch;
  private final F32Rope rope;

  F32Attention(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
    this.rope = new F32Rope(scratch);
  }

  @Override
  public void rope(
      Tensor x, Tensor documentStarts, int sequenceLength, double theta, boolean inverse) {
    recorder.submit(rope.turn(x, documentStarts, sequenceLength, theta, inverse));
  }

  @Override
  public void attention(AttentionTensors tensors) {
    AttentionHeads heads = new AttentionHeads(tensors);
    Forward forward = new Forward(heads, tensors);
    recorder.submit(
        () -> {
          for (int first = 0; first < heads.tokens; first += heads.blockQueries(first)) {
            int queries = heads.blockQueries(first);
            for (int head = 0; head < heads.heads; head++) {
              forward.block(first, queries, head);
            }
            forward.writeLogSumExp(first, queries);
          }
        });
  }

  @Override
  public void attentionBackward(AttentionTensors tensors, AttentionGradients gradients) {
    AttentionHeads heads = new AttentionHeads(tensors);
    Backward backward = new Backward(heads, tensors, gradients);
    recorder.submit(
        () -> {
          backward.start();
          for (int first = 0; first < heads.tokens; first += heads.blockQueries(first)) {
            int queries = heads.blockQueries(first);
            backward.read(first, queries);
            for (int head = 0; head < heads.heads; head++) {
              backward.block(first, queries, head);
            }
          }
        });
  }

  private final class Forward {
    private final AttentionHeads heads;
    private final BlasMatrix q;
    private final BlasMatrix k;
    private final BlasMatrix v;
    private final BlasMatrix out;
    private final F32View logSumExpView;
    private final CpuStorage.Floats nativeScores;
    private final F32View scoresView;
    private final float[] scores;
    private final float[] largest;
    private final float[] logSumExp;

    Forward(AttentionHeads heads, AttentionTensors tensors) {
      this.heads = heads;
      this.q = BlasMatrix.of(tensors.q(), heads.queryWidth);
      this.k = BlasMatrix.of(tensors.k(), heads.keyWidth);
      this.v = BlasMatrix.of(tensors.v(), heads.keyWidth);
      this.out = BlasMatrix.of(tensors.out(), heads.queryWidth);
      this.logSumExpView = F32View.of(tensors.logSumExp());
      this.nativeScores = scratch.matrix(0, heads.blockElements());
      this.scoresView = F32View.of(nativeScores);
      this.scores = scratch.array(0, heads.blockElements());
      this.largest = scratch.array(1, AttentionHeads.BLOCK_QUERIES);
      this.logSumExp = scratch.array(2, AttentionHeads.BLOCK_QUERIES * heads.heads);
    }

    void block(int first, int queries, int head) {
      int firstKey = heads.documentStart(first);
      int columns = first + queries - firstKey;
      // Made anew for each block: the stride of a block of scores is its number of columns.
      BlasMatrix block = BlasMatrix.of(nativeScores, columns);
      Blas.gemm(
          false,
          true,
          queries,
          columns,
          heads.headDim,
          heads.scale,
          q.at(heads.query(first, head)),
          k.at(heads.key(firstKey, head)),
          0,
          block);
      scoresView.read(0, scores, queries * columns);
      softmax(first, queries, firstKey, columns, head);
      scoresView.write(0, scores, queries * columns);
      Blas.gemm(
          false,
          false,
          queries,
          heads.headDim,
          columns,
          1,
          block,
          v.at(heads.key(firstKey, head)),
          0,
          out.at(heads.query(first, head)));
    }

    private void softmax(int first, int queries, int firstKey, int columns, int head) {
      for (int row = 0; row < queries; row++) {
        int seen = heads.documentStart(first + row) - firstKey;
        int visible = first + row + 1 - firstKey - seen;
        largest[row] = F32Vectors.max(scores, row * columns + seen, visible);
      }
      heads.shiftAndHide(scores, first, queries, firstKey, largest, columns);
      scratch.exp().apply(scores, queries * columns);
      for (int row = 0; row < queries; row++) {
        double sum = F32Vectors.sum(scores, row * columns, columns);
        F32Vectors.multiply(scores, row * columns, (float) (1 / sum), columns);
        logSumExp[row * heads.heads + head] = (float) (largest[row] + Math.log(sum));
      }
    }

    void writeLogSumExp(int first, int queries) {
      logSumExpView.write(first * heads.heads, logSumExp, queries * heads.heads);
    }
  }

  private final class Backward {
    private final AttentionHeads heads;
    private final BlasMatrix q;
    private final BlasMatrix k;
    private final BlasMatrix v;
    private final BlasMatrix dOut;
    private final BlasMatrix dQ;
    private final BlasMatrix dK;
    private final BlasMatrix dV;
    private final F32View outView;
    private final F32View dOutView;
    private final F32View logSumExpView;
    private final F32View dQView;
    private final F32View dKView;
    private final F32View dVView;
    private final CpuStorage.Floats nativeProbs;
    private final CpuStorage.Floats nativeScores;
    private final F32View probsView;
    private final F32View scoresView;
    private final float[] probs;
    private final float[] scores;
    private final float[] logSumExp;
    private final float[] subtrahend;
    private final float[] outRows;
    private final float[] dOutRows;
    private final float[] zeros;

    Backward(AttentionHeads heads, AttentionTensors tensors, AttentionGradients gradients) {
      this.heads = heads;
      this.q = BlasMatrix.of(tensors.q(), heads.queryWidth);
      this.k = BlasMatrix.of(tensors.k(), heads.keyWidth);
      this.v = BlasMatrix.of(tensors.v(), heads.keyWidth);
      this.dOut = BlasMatrix.of(gradients.dOut(), heads.queryWidth);
      this.dQ = BlasMatrix.of(gradients.dQ(), heads.queryWidth);
      this.dK = BlasMatrix.of(gradients.dK(), heads.keyWidth);
      this.dV = BlasMatrix.of(gradients.dV(), heads.keyWidth);
      outView = F32View.of(tensors.out());
      dOutView = F32View.of(gradients.dOut());
      logSumExpView = F32View.of(tensors.logSumExp());
      dQView = F32View.of(gradients.dQ());
      dKView = F32View.of(gradients.dK());
      dVView = F32View.of(gradients.dV());
      nativeProbs = scratch.matrix(0, heads.blockElements());
      nativeScores = scratch.matrix(1, heads.blockElements());
      probsView = F32View.of(nativeProbs);
      scoresView = F32View.of(nativeScores);
      probs = scratch.array(0, heads.blockElements());
      scores = scratch.array(1, heads.blockElements());
      this.logSumExp = scratch.array(2, AttentionHeads.BLOCK_QUERIES * heads.heads);
      subtrahend = scratch.array(3, AttentionHeads.BLOCK_QUERIES);
      outRows = scratch.array(4, AttentionHeads.BLOCK_QUERIES * heads.queryWidth);
      dOutRows = scratch.array(5, AttentionHeads.BLOCK_QUERIES * heads.queryWidth);
      zeros = scratch.array(6, F32Scratch.BLOCK);
    }

    /** Blocks add to the gradients of keys and values, and heads of one group to the same ones. */
    void start() {
      F32Memory.zero(dQView, zeros);
      F32Memory.zero(dKView, zeros);
      F32Memory.zero(dVView, zeros);
    }

    void read(int first, int queries) {
      logSumExpView.read(first * heads.heads, logSumExp, queries * heads.heads);
      outView.read(first * heads.queryWidth, outRows, queries * heads.queryWidth);
      dOutView.read(first * heads.queryWidth, dOutRows, queries * heads.queryWidth);
    }

    void block(int first, int queries, int head) {
      int firstKey = heads.documentStart(first);
      int columns = first + queries - firstKey;
      int dim = heads.headDim;
      int query = heads.query(first, head);
      int key = heads.key(firstKey, head);
      BlasMatrix p = BlasMatrix.of(nativeProbs, columns);
      BlasMatrix s = BlasMatrix.of(nativeScores, columns);
      Blas.gemm(false, true, queries, columns, dim, heads.scale, q.at(query), k.at(key), 0, p);
      probsView.read(0, probs, queries * columns);
      probabilities(first, queries, firstKey, columns, head);
      probsView.write(0, probs, queries * columns);
      Blas.gemm(true, false, columns, dim, queries, 1, p, dOut.at(query), 1, dV.at(key));
      Blas.gemm(false, true, queries, columns, dim, 1, dOut.at(query), v.at(key), 0, s);
      scoresView.read(0, scores, queries * columns);
      scoreGradients(queries, columns, head);
      scoresView.write(0, scores, queries * columns);
      Blas.gemm(false, false, queries, dim, columns, 1, s, k.at(key), 0, dQ.at(query));
      Blas.gemm(true, false, columns, dim, queries, 1, s, q.at(query), 1, dK.at(key));
    }

    private void probabilities(int first, int queries, int firstKey, int columns, int head) {
      for (int row = 0; row < queries; row++) {
        subtrahend[row] = logSumExp[row * heads.heads + head];
      }
      heads.shiftAndHide(probs, first, queries, firstKey, subtrahend, columns);
      scratch.exp().apply(probs, queries * columns);
    }

    /** {@code dS = P * (dP - sum(out * dOut)) * scale}, row by row. */
    private void scoreGradients(int queries, int columns, int head) {
      for (int row = 0; row < queries; row++) {
        int at = row * heads.queryWidth + head * heads.headDim;
        double delta = F32Vectors.dot(outRows, at, dOutRows, at, heads.headDim);
        multiplyShifted(scores, probs, row * columns, columns, (float) delta, heads.scale);
      }
    }

    private static void multiplyShifted(
        float[] x, float[] factors, int from, int count, float shift, float scale) {
      for (int i = from; i < from + count; i++) {
        x[i] = factors[i] * (x[i] - shift) * scale;
      }
    }
  }
}
