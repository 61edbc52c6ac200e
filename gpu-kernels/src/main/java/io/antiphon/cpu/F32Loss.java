package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** Cross-entropy in fp32; the loss itself adds up in double precision. */
final class F32Loss implements OpParts.Loss {
  private final Recorder recorder;
  private static final int NO_TARGET = -1;

  private final F32Scratch scratch;

  F32Loss(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor targetCount, Tensor lossSum) {
    Rows rows = new Rows(logits, targets);
    double[] count = CpuMemory.doubles(targetCount);
    int countAt = CpuMemory.offset(targetCount);
    double[] sum = CpuMemory.doubles(lossSum);
    int sumAt = CpuMemory.offset(lossSum);
    recorder.submit(
        () -> {
          double share = count[countAt] > 0 ? 1 / count[countAt] : 0;
          double loss = 0;
          for (int row = 0; row < rows.count; row += rows.blockRows) {
            loss += rows.losses(row);
            rows.differentiate(row, share);
          }
          sum[sumAt] += loss;
        });
  }

  @Override
  public void crossEntropyLoss(Tensor logits, Tensor targets, Tensor lossSum) {
    Rows rows = new Rows(logits, targets);
    double[] sum = CpuMemory.doubles(lossSum);
    int sumAt = CpuMemory.offset(lossSum);
    recorder.submit(
        () -> {
          double loss = 0;
          for (int row = 0; row < rows.count; row += rows.blockRows) {
            loss += rows.losses(row);
          }
          sum[sumAt] += loss;
        });
  }

  /** Rows of logits with their targets. */
  private final class Rows {
    final int count;
    final int vocabulary;
    final int blockRows;
    final F32View view;
    final int[] target;
    final int firstTarget;
    final float[] values;
    final double[] sums;

    Rows(Tensor logits, Tensor targets) {
      count = logits.extent(0);
      vocabulary = logits.extent(1);
      blockRows = F32Scratch.rows(vocabulary);
      view = F32View.of(logits);
      target = CpuMemory.ints(targets);
      firstTarget = CpuMemory.offset(targets);
      values = scratch.array(0, blockRows * vocabulary);
      sums = new double[blockRows];
    }

    int target(int row) {
      int expected = target[firstTarget + row];
      return expected == NO_TARGET ? NO_TARGET : IndexChecks.index("target", expected, vocabulary);
    }

    /** The losses of the block at {@code first}; leaves its exponentials and their sums. */
    double losses(int first) {
      int rows = Math.min(blockRows, count - first);
      view.read(first * vocabulary, values, rows * vocabulary);
      double loss = 0;
      for (int row = 0; row < rows; row++) {
        int from = row * vocabulary;
        float max = F32Vectors.max(values, from, vocabulary);
        F32Vectors.subtract(values, from, max, vocabulary);
        int expected = target(first + row);
        loss -= expected == NO_TARGET ? 0 : values[from + expected];
      }
      scratch.exp().apply(values, rows * vocabulary);
      for (int row = 0; row < rows; row++) {
        sums[row] = F32Vectors.sum(values, row * vocabulary, vocabulary);
        loss += target(first + row) == NO_TARGET ? 0 : Math.log(sums[row]);
      }
      return loss;
    }

    /** Overwrites the logits of the block with their gradients. */
    void differentiate(int first, double share) {
      int rows = Math.min(blockRows, count - first);
      for (int row = 0; row < rows; row++) {
        int from = row * vocabulary;
        int expected = target(first + row);
        if (expected == NO_TARGET || share == 0) {
          Arrays.fill(values, from, from + vocabulary, 0);
        } else {
          F32Vectors.multiply(values, from, (float) (share / sums[row]), vocabulary);
          values[from + expected] -= (float) share;
        }
      }
      view.write(first * vocabulary, values, rows * vocabulary);
    }
  }
}
