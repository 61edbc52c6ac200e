package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** SwiGLU in double precision: of all rows, or of expert rows with their probabilities. */
final class F64Activations implements OpParts.Activation {
  private final Recorder recorder;

  F64Activations(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    recorder.submit(() -> activate(gateUp, out));
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    recorder.submit(() -> differentiate(gateUp, dOut, dGateUp));
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    recorder.submit(
        () -> {
          int rows = RowCounts.of(rowCounts, out.extent(0)).sum();
          activate(gateUp.rows(0, rows), out.rows(0, rows));
          int ffn = out.extent(1);
          double[] result = CpuMemory.doubles(out);
          for (int row = 0; row < rows; row++) {
            double prob = CpuMemory.doubles(rowProbs)[CpuMemory.offset(rowProbs) + row];
            for (int i = 0; i < ffn; i++) {
              result[F64Dense.row(out, row, ffn) + i] *= prob;
            }
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
    recorder.submit(
        () -> {
          int rows = RowCounts.of(rowCounts, dOut.extent(0)).sum();
          int ffn = dOut.extent(1);
          differentiate(gateUp.rows(0, rows), dOut.rows(0, rows), dGateUp.rows(0, rows));
          double[] in = CpuMemory.doubles(gateUp);
          double[] gradient = CpuMemory.doubles(dOut);
          double[] into = CpuMemory.doubles(dGateUp);
          for (int row = 0; row < rows; row++) {
            double prob = CpuMemory.doubles(rowProbs)[CpuMemory.offset(rowProbs) + row];
            int at = F64Dense.row(gateUp, row, 2 * ffn);
            double sum = 0;
            for (int i = 0; i < ffn; i++) {
              double weighted = silu(in[at + i]) * in[at + ffn + i];
              sum += gradient[F64Dense.row(dOut, row, ffn) + i] * weighted;
            }
            for (int i = 0; i < 2 * ffn; i++) {
              into[F64Dense.row(dGateUp, row, 2 * ffn) + i] *= prob;
            }
            CpuMemory.doubles(dRowProbs)[CpuMemory.offset(dRowProbs) + row] = sum;
          }
        });
  }

  private static void activate(Tensor gateUp, Tensor out) {
    int ffn = out.extent(1);
    double[] in = CpuMemory.doubles(gateUp);
    double[] result = CpuMemory.doubles(out);
    for (int row = 0; row < out.extent(0); row++) {
      for (int i = 0; i < ffn; i++) {
        double gate = in[F64Dense.row(gateUp, row, 2 * ffn) + i];
        double up = in[F64Dense.row(gateUp, row, 2 * ffn) + ffn + i];
        result[F64Dense.row(out, row, ffn) + i] = silu(gate) * up;
      }
    }
  }

  private static void differentiate(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    int ffn = dOut.extent(1);
    double[] in = CpuMemory.doubles(gateUp);
    double[] gradient = CpuMemory.doubles(dOut);
    double[] into = CpuMemory.doubles(dGateUp);
    for (int row = 0; row < dOut.extent(0); row++) {
      for (int i = 0; i < ffn; i++) {
        double gate = in[F64Dense.row(gateUp, row, 2 * ffn) + i];
        double up = in[F64Dense.row(gateUp, row, 2 * ffn) + ffn + i];
        double g = gradient[F64Dense.row(dOut, row, ffn) + i];
        into[F64Dense.row(dGateUp, row, 2 * ffn) + i] = g * up * siluSlope(gate);
        into[F64Dense.row(dGateUp, row, 2 * ffn) + ffn + i] = g * silu(gate);
      }
    }
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  private static double siluSlope(double x) {
    double sigmoid = 1 / (1 + Math.exp(-x));
    return sigmoid * (1 + x * (1 - sigmoid));
  }
}
