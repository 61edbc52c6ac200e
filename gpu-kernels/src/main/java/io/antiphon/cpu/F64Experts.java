package io.antiphon.cpu;

import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.Tensor;

/** Grouped GEMM and weighted SwiGLU of expert rows in double precision. */
final class F64Experts {
  private F64Experts() {}

  /** What is done with the rows of one physical expert. */
  private interface ExpertBody {
    void run(Tensor weight, boolean isHome, int firstRow, int rows);
  }

  private static void forEach(
      ExpertWeights weights, Tensor rowCounts, ExpertRange range, int capacity, ExpertBody body) {
    RowCounts counts = RowCounts.of(rowCounts, capacity);
    counts.sum();
    int homes = weights.home().extent(0);
    int first = 0;
    for (int expert = 0; expert < range.end(homes, rowCounts.extent(0)); expert++) {
      if (expert >= range.first(homes)) {
        boolean isHome = expert < homes;
        Tensor weight =
            isHome ? weights.home().rows(expert, 1) : weights.slots().rows(expert - homes, 1);
        body.run(weight, isHome, first, counts.rows(expert));
      }
      first += counts.rows(expert);
    }
  }

  static void forward(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    int in = x.extent(1);
    int out = y.extent(1);
    forEach(
        weights,
        rowCounts,
        range,
        x.extent(0),
        (weight, isHome, first, rows) ->
            F64Dense.gemm(
                rows,
                out,
                in,
                rowsOf(x, first, false),
                matrix(weight, true),
                false,
                CpuMemory.doubles(y),
                F64Dense.row(y, first, out)));
  }

  static void dgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    int in = dX.extent(1);
    int out = dY.extent(1);
    forEach(
        weights,
        rowCounts,
        range,
        dY.extent(0),
        (weight, isHome, first, rows) ->
            F64Dense.gemm(
                rows,
                in,
                out,
                rowsOf(dY, first, false),
                matrix(weight, false),
                false,
                CpuMemory.doubles(dX),
                F64Dense.row(dX, first, in)));
  }

  static void wgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    int in = x.extent(1);
    int out = dY.extent(1);
    forEach(
        gradients,
        rowCounts,
        ExpertRange.ALL,
        x.extent(0),
        (gradient, isHome, first, rows) ->
            F64Dense.gemm(
                out,
                in,
                rows,
                rowsOf(dY, first, true),
                rowsOf(x, first, false),
                accumulate && isHome,
                CpuMemory.doubles(gradient),
                CpuMemory.offset(gradient)));
  }

  /** The rows from {@code first} on of a row tensor, as a matrix of a product. */
  private static F64Dense.Strided rowsOf(Tensor tensor, int first, boolean transposed) {
    int width = tensor.extent(1);
    return new F64Dense.Strided(
        CpuMemory.doubles(tensor),
        F64Dense.row(tensor, first, width),
        transposed ? 1 : width,
        transposed ? width : 1);
  }

  /** One expert's weight {@code [1, out, in]} as a matrix of a product. */
  private static F64Dense.Strided matrix(Tensor weight, boolean transposed) {
    return new F64Dense.Strided(weight.reshape(weight.extent(1), weight.extent(2)), transposed);
  }

  static void swiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    int rows = RowCounts.of(rowCounts, out.extent(0)).sum();
    F64Dense.swiglu(gateUp.rows(0, rows), out.rows(0, rows));
    int ffn = out.extent(1);
    double[] result = CpuMemory.doubles(out);
    for (int row = 0; row < rows; row++) {
      double prob = CpuMemory.doubles(rowProbs)[CpuMemory.offset(rowProbs) + row];
      for (int i = 0; i < ffn; i++) {
        result[F64Dense.row(out, row, ffn) + i] *= prob;
      }
    }
  }

  static void swigluBackward(
      Tensor gateUp,
      Tensor rowProbs,
      Tensor rowCounts,
      Tensor dOut,
      Tensor dGateUp,
      Tensor dRowProbs) {
    int rows = RowCounts.of(rowCounts, dOut.extent(0)).sum();
    int ffn = dOut.extent(1);
    F64Dense.swigluBackward(gateUp.rows(0, rows), dOut.rows(0, rows), dGateUp.rows(0, rows));
    double[] in = CpuMemory.doubles(gateUp);
    double[] gradient = CpuMemory.doubles(dOut);
    double[] into = CpuMemory.doubles(dGateUp);
    for (int row = 0; row < rows; row++) {
      double prob = CpuMemory.doubles(rowProbs)[CpuMemory.offset(rowProbs) + row];
      int at = F64Dense.row(gateUp, row, 2 * ffn);
      double sum = 0;
      for (int i = 0; i < ffn; i++) {
        double weighted = F64Dense.silu(in[at + i]) * in[at + ffn + i];
        sum += gradient[F64Dense.row(dOut, row, ffn) + i] * weighted;
      }
      for (int i = 0; i < 2 * ffn; i++) {
        into[F64Dense.row(dGateUp, row, 2 * ffn) + i] *= prob;
      }
      CpuMemory.doubles(dRowProbs)[CpuMemory.offset(dRowProbs) + row] = sum;
    }
  }
}
