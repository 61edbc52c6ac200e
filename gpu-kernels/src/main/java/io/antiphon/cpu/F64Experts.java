package io.antiphon.cpu;

import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** Grouped GEMM in double precision. */
final class F64Experts implements OpParts.GroupedGemm {
  private final Recorder recorder;

  F64Experts(Recorder recorder) {
    this.recorder = recorder;
  }

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

  @Override
  public void groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    recorder.submit(
        () -> {
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
        });
  }

  @Override
  public void groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    recorder.submit(
        () -> {
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
        });
  }

  @Override
  public void groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    recorder.submit(
        () -> {
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
        });
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
}
