package io.antiphon.cpu;

import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.Tensor;

/** Grouped GEMM in fp32: one call of the BLAS library per physical expert that has rows. */
final class F32Experts {
  private F32Experts() {}

  static Runnable groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    return product(x, weights, true, rowCounts, range, y);
  }

  static Runnable groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    return product(dY, weights, false, rowCounts, range, dX);
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

  static Runnable groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    int in = x.extent(1);
    int out = dY.extent(1);
    int localExperts = gradients.home().extent(0);
    BlasMatrix xMatrix = BlasMatrix.of(x);
    BlasMatrix dYMatrix = BlasMatrix.of(dY);
    BlasMatrix[] perExpert = matrices(gradients);
    RowCounts counts = RowCounts.of(rowCounts, x.extent(0));
    return () -> {
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
    };
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
