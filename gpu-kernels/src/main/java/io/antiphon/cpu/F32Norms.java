package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** Root-mean-square norm in fp32. */
final class F32Norms implements OpParts.Norm {
  private final Recorder recorder;
  private final F32Scratch scratch;

  F32Norms(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    int tokens = x.extent(0);
    int hidden = x.extent(1);
    int blockRows = F32Scratch.rows(hidden);
    F32View xView = F32View.of(x);
    F32View weightView = F32View.of(weight);
    F32View yView = F32View.of(y);
    F32View inverseView = F32View.of(inverseRms);
    float[] in = scratch.array(0, blockRows * hidden);
    float[] out = scratch.array(1, blockRows * hidden);
    float[] scale = scratch.array(2, hidden);
    float[] inverse = scratch.array(3, blockRows);
    recorder.submit(
        () -> {
          weightView.read(0, scale, hidden);
          for (int token = 0; token < tokens; token += blockRows) {
            int rows = Math.min(blockRows, tokens - token);
            xView.read(token * hidden, in, rows * hidden);
            for (int row = 0; row < rows; row++) {
              double squares = F32Vectors.dot(in, row * hidden, in, row * hidden, hidden);
              inverse[row] = (float) (1 / Math.sqrt(squares / hidden + epsilon));
              normalize(in, row * hidden, inverse[row], scale, out, hidden);
            }
            yView.write(token * hidden, out, rows * hidden);
            inverseView.write(token, inverse, rows);
          }
        });
  }

  private static void normalize(
      float[] x, int from, float inverse, float[] weight, float[] y, int count) {
    for (int i = 0; i < count; i++) {
      y[from + i] = x[from + i] * inverse * weight[i];
    }
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    int tokens = x.extent(0);
    int hidden = x.extent(1);
    int blockRows = F32Scratch.rows(hidden);
    F32View xView = F32View.of(x);
    F32View weightView = F32View.of(weight);
    F32View inverseView = F32View.of(inverseRms);
    F32View dYView = F32View.of(dY);
    F32View dXView = F32View.of(dX);
    F32View dWeightView = F32View.of(dWeight);
    float[] in = scratch.array(0, blockRows * hidden);
    float[] gradient = scratch.array(1, blockRows * hidden);
    float[] out = scratch.array(2, blockRows * hidden);
    float[] scale = scratch.array(3, hidden);
    float[] inverse = scratch.array(4, blockRows);
    float[] blockSum = scratch.array(5, hidden);
    float[] sum = scratch.array(6, hidden);
    recorder.submit(
        () -> {
          weightView.read(0, scale, hidden);
          dWeightView.read(0, sum, hidden);
          for (int token = 0; token < tokens; token += blockRows) {
            int rows = Math.min(blockRows, tokens - token);
            xView.read(token * hidden, in, rows * hidden);
            dYView.read(token * hidden, gradient, rows * hidden);
            dXView.read(token * hidden, out, rows * hidden);
            inverseView.read(token, inverse, rows);
            // A sum per block first: the error grows with the rows of a block plus the blocks.
            Arrays.fill(blockSum, 0, hidden, 0);
            for (int row = 0; row < rows; row++) {
              int from = row * hidden;
              addWeightGradient(in, gradient, from, inverse[row], blockSum, hidden);
              weigh(gradient, from, scale, hidden);
              double dot = F32Vectors.dot(gradient, from, in, from, hidden);
              double squared = (double) inverse[row] * inverse[row];
              float along = (float) (dot * squared * inverse[row] / hidden);
              addInputGradient(in, gradient, from, inverse[row], along, out, hidden);
            }
            F32Vectors.add(blockSum, 0, sum, 0, hidden);
            dXView.write(token * hidden, out, rows * hidden);
          }
          dWeightView.write(0, sum, hidden);
        });
  }

  private static void addWeightGradient(
      float[] x, float[] dY, int from, float inverse, float[] sum, int count) {
    for (int i = 0; i < count; i++) {
      sum[i] += dY[from + i] * x[from + i] * inverse;
    }
  }

  private static void weigh(float[] dY, int from, float[] weight, int count) {
    for (int i = 0; i < count; i++) {
      dY[from + i] *= weight[i];
    }
  }

  private static void addInputGradient(
      float[] x, float[] weighed, int from, float inverse, float along, float[] dX, int count) {
    for (int i = 0; i < count; i++) {
      dX[from + i] += weighed[from + i] * inverse - x[from + i] * along;
    }
  }
}
