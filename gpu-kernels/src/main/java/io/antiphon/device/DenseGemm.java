package io.antiphon.device;

import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_DESC_TRANSA;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_DESC_TRANSB;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES;
import static org.bytedeco.cuda.global.cublas.CUBLAS_COMPUTE_32F;
import static org.bytedeco.cuda.global.cublas.CUBLAS_OP_N;
import static org.bytedeco.cuda.global.cublas.CUBLAS_OP_T;
import static org.bytedeco.cuda.global.cublas.cublasLtCreate;
import static org.bytedeco.cuda.global.cublas.cublasLtDestroy;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmul;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulAlgoGetHeuristic;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulDescInit;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulDescSetAttribute;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulPreferenceInit;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulPreferenceSetAttribute;
import static org.bytedeco.cuda.global.cublas.cublasLtMatrixLayoutInit;
import static org.bytedeco.cuda.global.cudart.CUDA_R_16BF;
import static org.bytedeco.cuda.global.cudart.CUDA_R_32F;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;

/**
 * Dense matrix products of row-major matrices through cuBLASLt, accumulated in fp32 without TF32.
 * The same product takes the same algorithm every time, so results have the same bits on every run.
 */
public final class DenseGemm implements AutoCloseable {
  private static final long WORKSPACE_BYTES = 32L << 20;
  private static final int LARGEST_ALIGNMENT = 256;

  /** Element types of a matrix. */
  public enum ElementType {
    /** Brain float. */
    BF16,
    /** IEEE single. */
    F32;

    private int code() {
      return this == BF16 ? CUDA_R_16BF : CUDA_R_32F;
    }
  }

  /**
   * One matrix of a product.
   *
   * @param address of its first element
   * @param transposed whether it is stored transposed
   */
  public record Operand(long address, ElementType type, boolean transposed) {
    private int alignment() {
      return (int) Math.min(LARGEST_ALIGNMENT, Long.lowestOneBit(address));
    }
  }

  /** What decides on the algorithm. */
  private record Key(Operand a, Operand b, Operand c, long m, long n, long k, boolean accumulate) {
    /** Key that products of equal shape share if their addresses have equal alignments. */
    static Key of(Operand a, Operand b, Operand c, long m, long n, long k, boolean accumulate) {
      return new Key(at(a), at(b), at(c), m, n, k, accumulate);
    }

    private static Operand at(Operand operand) {
      return new Operand(operand.alignment(), operand.type(), operand.transposed());
    }
  }

  private record Product(
      cublasLtMatmulDescOpaque_t operation,
      cublasLtMatrixLayoutOpaque_t a,
      cublasLtMatrixLayoutOpaque_t b,
      cublasLtMatrixLayoutOpaque_t c,
      cublasLtMatmulHeuristicResult_t choice) {}

  private final cublasLtContext handle = new cublasLtContext();
  private final Map<Key, Product> products = new HashMap<>();
  private final FloatPointer one = new FloatPointer(1f);
  private final FloatPointer zero = new FloatPointer(0f);

  /**
   * Products on the current device.
   *
   * @throws DeviceException if cuBLASLt cannot be loaded
   */
  public DenseGemm() {
    NativeLibraries.load(
        "libcublasLt.so.13", "CUDA's GEMM library", () -> check(cublasLtCreate(handle), "create"));
  }

  /**
   * Enqueues {@code c = a b}, or {@code c += a b}, with {@code a} m by k, {@code b} k by n and
   * {@code c} m by n, all extents at least 1.
   */
  public void multiply(
      Stream stream, Operand a, Operand b, Operand c, long m, long n, long k, boolean accumulate) {
    stream.use();
    Key key = Key.of(a, b, c, m, n, k, accumulate);
    Product product = products.computeIfAbsent(key, this::choose);
    check(
        cublasLtMatmul(
            handle,
            product.operation(),
            one,
            DevicePointer.cpp(b.address()),
            product.b(),
            DevicePointer.cpp(a.address()),
            product.a(),
            accumulate ? one : zero,
            DevicePointer.cpp(c.address()),
            product.c(),
            DevicePointer.cpp(c.address()),
            product.c(),
            product.choice().algo(),
            DevicePointer.cpp(stream.scratch(WORKSPACE_BYTES)),
            WORKSPACE_BYTES,
            DevicePointer.cppStream(stream.address())),
        "enqueue " + key);
  }

  // The library is column-major: what it sees of a row-major matrix is the transpose, so it is
  // asked
  // for c' = b' a'.
  private Product choose(Key key) {
    cublasLtMatmulDescOpaque_t operation = new cublasLtMatmulDescOpaque_t();
    check(cublasLtMatmulDescInit(operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describe " + key);
    set(operation, CUBLASLT_MATMUL_DESC_TRANSA, key.b().transposed());
    set(operation, CUBLASLT_MATMUL_DESC_TRANSB, key.a().transposed());
    cublasLtMatrixLayoutOpaque_t a = layout(key.a(), key.m(), key.k());
    cublasLtMatrixLayoutOpaque_t b = layout(key.b(), key.k(), key.n());
    cublasLtMatrixLayoutOpaque_t c = layout(key.c(), key.m(), key.n());
    cublasLtMatmulPreferenceOpaque_t preference = new cublasLtMatmulPreferenceOpaque_t();
    check(cublasLtMatmulPreferenceInit(preference), "prefer");
    try (LongPointer bytes = new LongPointer(new long[] {WORKSPACE_BYTES})) {
      check(
          cublasLtMatmulPreferenceSetAttribute(
              preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES),
          "limit the workspace");
    }
    align(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.b());
    align(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key.a());
    align(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.c());
    align(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.c());
    cublasLtMatmulHeuristicResult_t result = new cublasLtMatmulHeuristicResult_t();
    int[] found = new int[1];
    int status =
        cublasLtMatmulAlgoGetHeuristic(handle, operation, b, a, c, c, preference, 1, result, found);
    if (status != 0 || found[0] == 0) {
      throw new DeviceException(
          "cuBLASLt has no algorithm for " + key + " (status " + status + ")", false);
    }
    return new Product(operation, a, b, c, result);
  }

  private static void set(cublasLtMatmulDescOpaque_t operation, int attribute, boolean transposed) {
    try (IntPointer value = new IntPointer(new int[] {transposed ? CUBLAS_OP_T : CUBLAS_OP_N})) {
      check(
          cublasLtMatmulDescSetAttribute(operation, attribute, value, Integer.BYTES), "transpose");
    }
  }

  private static void align(
      cublasLtMatmulPreferenceOpaque_t preference, int attribute, Operand operand) {
    try (IntPointer value = new IntPointer(new int[] {operand.alignment()})) {
      check(
          cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, Integer.BYTES),
          "state an alignment");
    }
  }

  private static cublasLtMatrixLayoutOpaque_t layout(Operand operand, long rows, long columns) {
    long storedRows = operand.transposed() ? columns : rows;
    long storedColumns = operand.transposed() ? rows : columns;
    cublasLtMatrixLayoutOpaque_t layout = new cublasLtMatrixLayoutOpaque_t();
    check(
        cublasLtMatrixLayoutInit(
            layout, operand.type().code(), storedColumns, storedRows, storedColumns),
        "describe a matrix");
    return layout;
  }

  private static void check(int status, String what) {
    if (status != 0) {
      throw new DeviceException("cuBLASLt failed with status " + status + ": " + what, false);
    }
  }

  @Override
  public void close() {
    check(cublasLtDestroy(handle), "destroy");
  }
}
