package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** Embedding, norm and matrix product in double precision. */
final class F64Dense implements OpParts.Embedding, OpParts.Norm, OpParts.Gemm {
  private final Recorder recorder;

  F64Dense(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    recorder.submit(
        () -> {
          int hidden = table.extent(1);
          for (int token = 0; token < ids.extent(0); token++) {
            System.arraycopy(
                CpuMemory.doubles(table),
                row(table, id(ids, token, table), hidden),
                CpuMemory.doubles(out),
                row(out, token, hidden),
                hidden);
          }
        });
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    recorder.submit(
        () -> {
          int hidden = dTable.extent(1);
          double[] from = CpuMemory.doubles(dOut);
          double[] into = CpuMemory.doubles(dTable);
          for (int token = 0; token < ids.extent(0); token++) {
            int source = row(dOut, token, hidden);
            int target = row(dTable, id(ids, token, dTable), hidden);
            for (int i = 0; i < hidden; i++) {
              into[target + i] += from[source + i];
            }
          }
        });
  }

  private static int id(Tensor ids, int token, Tensor table) {
    int id = CpuMemory.ints(ids)[CpuMemory.offset(ids) + token];
    return IndexChecks.index("token id", id, table.extent(0));
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    recorder.submit(
        () -> {
          int hidden = x.extent(1);
          double[] in = CpuMemory.doubles(x);
          double[] out = CpuMemory.doubles(y);
          double[] w = CpuMemory.doubles(weight);
          for (int token = 0; token < x.extent(0); token++) {
            int at = row(x, token, hidden);
            double squares = 0;
            for (int i = 0; i < hidden; i++) {
              squares += in[at + i] * in[at + i];
            }
            double inverse = 1 / Math.sqrt(squares / hidden + epsilon);
            CpuMemory.doubles(inverseRms)[CpuMemory.offset(inverseRms) + token] = inverse;
            for (int i = 0; i < hidden; i++) {
              out[row(y, token, hidden) + i] =
                  in[at + i] * inverse * w[CpuMemory.offset(weight) + i];
            }
          }
        });
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    recorder.submit(
        () -> {
          int hidden = x.extent(1);
          double[] in = CpuMemory.doubles(x);
          double[] w = CpuMemory.doubles(weight);
          double[] gradient = CpuMemory.doubles(dY);
          double[] into = CpuMemory.doubles(dX);
          double[] dW = CpuMemory.doubles(dWeight);
          int w0 = CpuMemory.offset(weight);
          for (int token = 0; token < x.extent(0); token++) {
            int at = row(x, token, hidden);
            int g = row(dY, token, hidden);
            double inverse = CpuMemory.doubles(inverseRms)[CpuMemory.offset(inverseRms) + token];
            double dot = 0;
            for (int i = 0; i < hidden; i++) {
              dot += gradient[g + i] * w[w0 + i] * in[at + i];
            }
            for (int i = 0; i < hidden; i++) {
              double normed = in[at + i] * inverse;
              dW[CpuMemory.offset(dWeight) + i] += gradient[g + i] * normed;
              into[row(dX, token, hidden) + i] +=
                  inverse * (gradient[g + i] * w[w0 + i] - normed * inverse * dot / hidden);
            }
          }
        });
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    recorder.submit(
        () -> {
          int m = c.extent(0);
          int n = c.extent(1);
          int k = a.extent(transposeA ? 0 : 1);
          Strided left = new Strided(a, transposeA);
          Strided right = new Strided(b, transposeB);
          gemm(m, n, k, left, right, accumulate, CpuMemory.doubles(c), CpuMemory.offset(c));
        });
  }

  /**
   * A matrix as it enters a product: element (i, j) lies at {@code first + i * down + j * across}.
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Strided(double[] values, int first, int down, int across) {
    Strided(Tensor matrix, boolean transposed) {
      this(
          CpuMemory.doubles(matrix),
          CpuMemory.offset(matrix),
          transposed ? 1 : matrix.extent(1),
          transposed ? matrix.extent(1) : 1);
    }

    double at(int i, int j) {
      return values[first + i * down + j * across];
    }
  }

  /** {@code c[m, n]} from element {@code first} on becomes the product, or has it added. */
  static void gemm(
      int m, int n, int k, Strided a, Strided b, boolean accumulate, double[] c, int first) {
    if (!accumulate) {
      Arrays.fill(c, first, first + m * n, 0);
    }
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int p = 0; p < k; p++) {
          sum += a.at(i, p) * b.at(p, j);
        }
        c[first + i * n + j] += sum;
      }
    }
  }

  /** Place of a row of {@code width} elements in the array behind a tensor. */
  static int row(Tensor tensor, int row, int width) {
    return CpuMemory.offset(tensor) + row * width;
  }
}
