package io.antiphon.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * The native BLAS library of this process. Calls from several Java threads run side by side and
 * give the same bits as alone.
 */
final class Blas {
  /** What the binding reports before anybody has chosen a number of threads. */
  private static final int NOT_CHOSEN = -1;

  private Blas() {}

  /**
   * Loads the library, once, for {@code threads} threads per call in the whole process, and
   * describes it.
   *
   * @throws BlasUnavailable if the library cannot be loaded
   */
  static synchronized String start(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException(
          "threads of the BLAS library must be >= 1, was " + threads);
    }
    try {
      int chosen = openblas_nolapack.blas_get_num_threads();
      if (chosen == NOT_CHOSEN) {
        openblas_nolapack.blas_set_num_threads(threads);
      } else if (chosen != threads) {
        throw new IllegalStateException(
            "the BLAS library of this process runs with "
                + chosen
                + " threads per call and cannot change to "
                + threads
                + ": results of running ranks would change; start another process");
      }
    } catch (LinkageError e) {
      throw unavailable(Loader.getPlatform(), e);
    }
    return "CPU, " + library() + ", fp32, " + threads + (threads == 1 ? " thread" : " threads");
  }

  /** The error for the user of a machine on which the library does not load. */
  static BlasUnavailable unavailable(String platform, Throwable cause) {
    return new BlasUnavailable(
        "the BLAS library (OpenBLAS) cannot be loaded on platform "
            + platform
            + ": "
            + cause
            + ". Put the openblas and javacpp jars for "
            + platform
            + " on the class path; if the home directory is read-only or mounted noexec, start Java"
            + " with -Dorg.bytedeco.javacpp.cachedir=<writable directory>; or choose backend.kind ="
            + " cpu-f64, which needs no native library and is slow.",
        cause);
  }

  private static String library() {
    return switch (openblas_nolapack.blas_get_vendor()) {
      case 2 -> openblas_nolapack.OPENBLAS_VERSION.strip();
      case 3 -> "MKL";
      default -> "BLAS";
    };
  }

  /**
   * Row-major {@code c = alpha op(a) op(b) + beta c}; with {@code beta} 0, {@code c} is not read.
   *
   * @param a {@code [m, k]}, or {@code [k, m]} if {@code transposeA}
   * @param b {@code [k, n]}, or {@code [n, k]} if {@code transposeB}
   * @param c {@code [m, n]}
   */
  static void gemm(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      float alpha,
      BlasMatrix a,
      BlasMatrix b,
      float beta,
      BlasMatrix c) {
    openblas_nolapack.cblas_sgemm(
        CblasRowMajor,
        transposeA ? CblasTrans : CblasNoTrans,
        transposeB ? CblasTrans : CblasNoTrans,
        m,
        n,
        k,
        alpha,
        a.pointer(),
        a.stride(),
        b.pointer(),
        b.stride(),
        beta,
        c.pointer(),
        c.stride());
  }
}
