package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** SwiGLU in fp32: of all rows, or of expert rows with their probabilities. */
final class F32Activations implements OpParts.Activation {
  private final Recorder recorder;
  private final F32Scratch scratch;

  F32Activations(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    Forward forward = new Forward(gateUp, out);
    int rows = out.extent(0);
    recorder.submit(
        () -> {
          for (int row = 0; row < rows; row += forward.blockRows) {
            forward.block(row, Math.min(forward.blockRows, rows - row));
          }
        });
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    Forward forward = new Forward(gateUp, out);
    F32View probsView = F32View.of(rowProbs);
    float[] probs = scratch.array(4, forward.blockRows);
    RowCounts counts = RowCounts.of(rowCounts, out.extent(0));
    recorder.submit(
        () -> {
          int rows = counts.sum();
          for (int row = 0; row < rows; row += forward.blockRows) {
            int count = Math.min(forward.blockRows, rows - row);
            probsView.read(row, probs, count);
            forward.weightedBlock(row, count, probs);
          }
        });
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    Backward backward = new Backward(gateUp, dOut, dGateUp);
    int rows = dOut.extent(0);
    recorder.submit(
        () -> {
          for (int row = 0; row < rows; row += backward.blockRows) {
            backward.block(row, Math.min(backward.blockRows, rows - row));
          }
        });
  }

  @Override
  public void expertSwigluBackward(
      Tensor gateUp,
      Tensor rowProbs,
      Tensor rowCounts,
      Tensor dOut,
      Tensor dGateUp,
      Tensor dRowProbs) {
    Backward backward = new Backward(gateUp, dOut, dGateUp);
    F32View probsView = F32View.of(rowProbs);
    F32View dProbsView = F32View.of(dRowProbs);
    float[] probs = scratch.array(4, backward.blockRows);
    float[] dProbs = scratch.array(5, backward.blockRows);
    RowCounts counts = RowCounts.of(rowCounts, dOut.extent(0));
    recorder.submit(
        () -> {
          int rows = counts.sum();
          for (int row = 0; row < rows; row += backward.blockRows) {
            int count = Math.min(backward.blockRows, rows - row);
            probsView.read(row, probs, count);
            backward.weightedBlock(row, count, probs, dProbs);
            dProbsView.write(row, dProbs, count);
          }
        });
  }

  /** Rows of gates and ups in, activations out. */
  private final class Forward {
    final int ffn;
    final int blockRows;
    final F32View gateUpView;
    final F32View outView;
    final float[] in;
    final float[] out;

    Forward(Tensor gateUp, Tensor out) {
      ffn = out.extent(1);
      blockRows = F32Scratch.rows(ffn);
      gateUpView = F32View.of(gateUp);
      outView = F32View.of(out);
      in = scratch.array(0, blockRows * 2 * ffn);
      this.out = scratch.array(1, blockRows * ffn);
    }

    void block(int row, int rows) {
      read(row, rows);
      for (int i = 0; i < rows; i++) {
        activate(in, i * 2 * ffn, ffn, out, i * ffn);
      }
      outView.write(row * ffn, out, rows * ffn);
    }

    void weightedBlock(int row, int rows, float[] probs) {
      read(row, rows);
      for (int i = 0; i < rows; i++) {
        activate(in, i * 2 * ffn, ffn, out, i * ffn);
        F32Vectors.multiply(out, i * ffn, probs[i], ffn);
      }
      outView.write(row * ffn, out, rows * ffn);
    }

    /** Reads the block and leaves {@code exp(-gate)} in {@code out}. */
    private void read(int row, int rows) {
      gateUpView.read(row * 2 * ffn, in, rows * 2 * ffn);
      for (int i = 0; i < rows; i++) {
        negate(in, i * 2 * ffn, out, i * ffn, ffn);
      }
      scratch.exp().apply(out, rows * ffn);
    }
  }

  /** Rows of gates, ups and output gradients in, gradients of gates and ups out. */
  private final class Backward {
    final int ffn;
    final int blockRows;
    final F32View gateUpView;
    final F32View dOutView;
    final F32View dGateUpView;
    final float[] in;
    final float[] exponentials;
    final float[] gradient;
    final float[] out;

    Backward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
      ffn = dOut.extent(1);
      blockRows = F32Scratch.rows(ffn);
      gateUpView = F32View.of(gateUp);
      dOutView = F32View.of(dOut);
      dGateUpView = F32View.of(dGateUp);
      in = scratch.array(0, blockRows * 2 * ffn);
      exponentials = scratch.array(1, blockRows * ffn);
      gradient = scratch.array(2, blockRows * ffn);
      out = scratch.array(3, blockRows * 2 * ffn);
    }

    void block(int row, int rows) {
      read(row, rows);
      differentiate(rows);
      dGateUpView.write(row * 2 * ffn, out, rows * 2 * ffn);
    }

    void weightedBlock(int row, int rows, float[] probs, float[] dProbs) {
      read(row, rows);
      for (int i = 0; i < rows; i++) {
        activate(in, i * 2 * ffn, ffn, exponentials, i * ffn, out, i * ffn);
        dProbs[i] = (float) F32Vectors.dot(out, i * ffn, gradient, i * ffn, ffn);
        F32Vectors.multiply(gradient, i * ffn, probs[i], ffn);
      }
      differentiate(rows);
      dGateUpView.write(row * 2 * ffn, out, rows * 2 * ffn);
    }

    private void read(int row, int rows) {
      gateUpView.read(row * 2 * ffn, in, rows * 2 * ffn);
      dOutView.read(row * ffn, gradient, rows * ffn);
      for (int i = 0; i < rows; i++) {
        negate(in, i * 2 * ffn, exponentials, i * ffn, ffn);
      }
      scratch.exp().apply(exponentials, rows * ffn);
    }

    private void differentiate(int rows) {
      for (int i = 0; i < rows; i++) {
        differentiateUp(in, i * 2 * ffn, exponentials, gradient, i * ffn, out, ffn);
        differentiateGate(in, i * 2 * ffn, ffn, exponentials, gradient, i * ffn, out);
      }
    }
  }

  private static void negate(float[] x, int from, float[] y, int at, int count) {
    for (int i = 0; i < count; i++) {
      y[at + i] = -x[from + i];
    }
  }

  /** Replaces {@code exp(-gate)} by {@code silu(gate) * up}. */
  private static void activate(float[] gateUp, int gate, int ffn, float[] out, int at) {
    activate(gateUp, gate, ffn, out, at, out, at);
  }

  private static void activate(
      float[] gateUp, int gate, int ffn, float[] exponentials, int from, float[] out, int at) {
    int up = gate + ffn;
    for (int i = 0; i < ffn; i++) {
      out[at + i] = gateUp[gate + i] / (1f + exponentials[from + i]) * gateUp[up + i];
    }
  }

  /** {@code dUp = dOut * silu(gate)}. */
  private static void differentiateUp(
      float[] gateUp,
      int gate,
      float[] exponentials,
      float[] dOut,
      int from,
      float[] out,
      int ffn) {
    int dUp = gate + ffn;
    for (int i = 0; i < ffn; i++) {
      out[dUp + i] = dOut[from + i] * (gateUp[gate + i] / (1f + exponentials[from + i]));
    }
  }

  /** {@code dGate = dOut * up * s * (1 + gate * (1 - s))} with {@code s = 1 / (1 + exp(-gate))}. */
  private static void differentiateGate(
      float[] gateUp,
      int gate,
      int ffn,
      float[] exponentials,
      float[] dOut,
      int from,
      float[] out) {
    int up = gate + ffn;
    for (int i = 0; i < ffn; i++) {
      float s = 1f / (1f + exponentials[from + i]);
      float slope = s * (1f + gateUp[gate + i] * (1f - s));
      out[gate + i] = dOut[from + i] * gateUp[up + i] * slope;
    }
  }
}
