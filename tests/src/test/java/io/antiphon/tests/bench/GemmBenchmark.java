package io.antiphon.tests.bench;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What this machine's BLAS library reaches with one thread per call, as ranks use it; {@code -t 2}
 * for two callers side by side. A call of m, n, k takes {@code 2 m n k} operations.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class GemmBenchmark {
  /** m x n x k: the peak, and the quickstart's FC1 and FC2 of one expert. */
  @Param({"1024x1024x1024", "410x512x128", "410x128x256"})
  public String size = "";

  private int m;
  private int n;
  private int k;
  private FloatPointer a = new FloatPointer();
  private FloatPointer b = new FloatPointer();
  private FloatPointer c = new FloatPointer();

  /** Allocates the matrices. */
  @Setup
  public void allocate() {
    String[] sizes = size.split("x", -1);
    m = Integer.parseInt(sizes[0]);
    n = Integer.parseInt(sizes[1]);
    k = Integer.parseInt(sizes[2]);
    openblas_nolapack.blas_set_num_threads(1);
    a = filled((long) m * k);
    b = filled((long) n * k);
    c = filled((long) m * n);
  }

  private static FloatPointer filled(long elements) {
    FloatPointer pointer = new FloatPointer(elements);
    for (long i = 0; i < elements; i++) {
      pointer.put(i, (float) Math.sin((double) i));
    }
    return pointer;
  }

  /** {@code c = a b^T}. */
  @Benchmark
  public FloatPointer product() {
    openblas_nolapack.cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 0, c, n);
    return c;
  }
}
