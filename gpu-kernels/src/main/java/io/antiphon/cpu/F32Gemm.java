package io.antiphon.cpu;

import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** Matrix products in fp32: a call of the BLAS library, or one per physical expert. */
final class F32Gemm implements OpParts.Gemm, OpParts.GroupedGemm {
  private final Recorder recorder;

  F32Gemm(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    int m = c.extent(0);
    int n = c.extent(1);
    int k = a.extent(transposeA ? 0 : 1);
    BlasMatrix left = BlasMatrix.of(a);
    BlasMatrix right = BlasMatrix.of(b);
    BlasMatrix result = BlasMatrix.of(c);
    float keep = accumulate ? 1 : 0;
    recorder.submit(() -> Blas.gemm(transposeA, transposeB, m, n, k, 1, left, right, keep, result));
  }

  @Override
  public void groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    recorder.submit(product(x, weights, true, rowCounts, range, y));
  }

  @Override
  public void groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    recorder.submit(product(dY, weights, false, rowCounts, range, dX));
  }

  /** Rows of {@code from} times each expert's weights, transposed or as they are. */
  private static Runnable product(
      Tensor from,
      ExpertWeights weights,
      boolean transposed,
      Tensor rowCounts,
      ExpertRange range,
      Tensor to) {
    int inner = from.extent(1);
    int outer = to.extent(1);
    BlasMatrix fromMatrix = BlasMatrix.of(from);
    BlasMatrix toMatrix = BlasMatrix.of(to);
    BlasMatrix[] perExpert = matrices(weights);
    RowCounts counts = RowCounts.of(rowCounts, from.extent(0));
    int first = range.first(weights.home().extent(0));
    int end = range.end(weights.home().extent(0), perExpert.length);
    return () -> {
      counts.sum();
      long row = 0;
      for (int expert = 0; expert < end; expert++) {
        int rows = counts.rows(expert);
        if (expert >= first) {
          BlasMatrix a = fromMatrix.at(row * inner);
          BlasMatrix c = toMatrix.at(row * outer);
          Blas.gemm(false, transposed, rows, outer, inner, 1, a, perExpert[expert], 0, c);
        }
        row += rows;
      }
    };
  }

  @Override
  public void groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    int in = x.extent(1);
    int out = dY.extent(1);
    int localExperts = gradients.home().extent(0);
    BlasMatrix xMatrix = BlasMatrix.of(x);
    BlasMatrix dYMatrix = BlasMatrix.of(dY);
    BlasMatrix[] perExpert = matrices(gradients);
    RowCounts counts = RowCounts.of(rowCounts, x.extent(0));
    recorder.submit(
        () -> {
          counts.sum();
          long row = 0;
          for (int expert = 0; expert < perExpert.length; expert++) {
            int rows = counts.rows(expert);
            float keep = accumulate && expert < localExperts ? 1 : 0;
            BlasMatrix a = dYMatrix.at(row * out);
            BlasMatrix b = xMatrix.at(row * in);
            Blas.gemm(true, false, out, in, rows, 1, a, b, keep, perExpert[expert]);
            row += rows;
          }
        });
  }

  private static BlasMatrix[] matrices(ExpertWeights weights) {
    int home = weights.home().extent(0);
    int slots = weights.slots().extent(0);
    BlasMatrix[] matrices = new BlasMatrix[home + slots];
    for (int expert = 0; expert < home + slots; expert++) {
      Tensor one =
          expert < home ? weights.home().rows(expert, 1) : weights.slots().rows(expert - home, 1);
      matrices[expert] = BlasMatrix.of(one, one.extent(2));
    }
    return matrices;
  }
}
