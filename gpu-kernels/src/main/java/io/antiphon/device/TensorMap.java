package io.antiphon.device;

import org.bytedeco.cuda.cudart.CUtensorMap;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;

/** Description of a matrix for the tensor memory accelerator, made by CUDA on the host. */
public final class TensorMap {
  private static final int WORDS = 16;
  private static final int ALIGNMENT = 16;

  /** How a box is laid out in shared memory. */
  public enum Swizzle {
    /** Row by row. */
    NONE,
    /** Swizzled in spans of 32 bytes. */
    B32,
    /** Swizzled in spans of 64 bytes. */
    B64,
    /** Swizzled in spans of 128 bytes. */
    B128;

    private int code() {
      return switch (this) {
        case NONE -> cudart.CU_TENSOR_MAP_SWIZZLE_NONE;
        case B32 -> cudart.CU_TENSOR_MAP_SWIZZLE_32B;
        case B64 -> cudart.CU_TENSOR_MAP_SWIZZLE_64B;
        case B128 -> cudart.CU_TENSOR_MAP_SWIZZLE_128B;
      };
    }
  }

  /** Element types. */
  public enum DataType {
    /** Brain float. */
    BF16(2),
    /** IEEE single. */
    F32(4);

    private final int bytes;

    DataType(int bytes) {
      this.bytes = bytes;
    }

    private int code() {
      return this == BF16
          ? cudart.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
          : cudart.CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
    }
  }

  private final long[] words;

  private TensorMap(long[] words) {
    this.words = words;
  }

  /** Whether a matrix at this address with rows this far apart can be described. */
  public static boolean isPossible(long address, long rowStrideBytes) {
    return address % ALIGNMENT == 0 && rowStrideBytes % ALIGNMENT == 0;
  }

  /**
   * A row-major matrix {@code [rows, columns]}, loaded in boxes {@code [boxRows, boxColumns]}.
   * Elements outside the matrix read as zero.
   *
   * @throws IllegalArgumentException if address or row stride is no multiple of 16 bytes, or a box
   *     extent is not in {@code [1, 256]}
   */
  public static TensorMap matrix(
      long address,
      DataType type,
      long rows,
      long columns,
      long rowStrideBytes,
      int boxRows,
      int boxColumns,
      Swizzle swizzle) {
    return box(
        address,
        type,
        new long[] {columns, rows},
        new long[] {rowStrideBytes},
        new int[] {boxColumns, boxRows},
        swizzle);
  }

  /**
   * Matrices {@code [depth, rows, columns]} one after the other, loaded in boxes of one matrix.
   * Elements outside a matrix read as zero, also those of its neighbours.
   */
  public static TensorMap stack(
      long address,
      DataType type,
      long depth,
      long rows,
      long columns,
      int boxRows,
      int boxColumns,
      Swizzle swizzle) {
    long rowBytes = columns * type.bytes;
    return box(
        address,
        type,
        new long[] {columns, rows, depth},
        new long[] {rowBytes, rowBytes * rows},
        new int[] {boxColumns, boxRows, 1},
        swizzle);
  }

  private static TensorMap box(
      long address, DataType type, long[] extents, long[] strides, int[] box, Swizzle swizzle) {
    for (long stride : strides) {
      if (!isPossible(address, stride)) {
        throw new IllegalArgumentException(
            "a tensor map needs address and row stride to be multiples of 16 bytes, were "
                + address
                + " and "
                + stride);
      }
    }
    int[] elementStrides = new int[box.length];
    java.util.Arrays.fill(elementStrides, 1);
    // CUDA wants 64-byte alignment, which a fresh allocation need not have.
    try (LongPointer memory = new LongPointer(2L * WORDS)) {
      long aligned = (memory.address() + 63) / 64 * 64;
      CUtensorMap map = new CUtensorMap(DevicePointer.cpp(aligned));
      int result =
          cudart.cuTensorMapEncodeTiled(
              map,
              type.code(),
              box.length,
              DevicePointer.cpp(address),
              extents,
              strides,
              box,
              elementStrides,
              cudart.CU_TENSOR_MAP_INTERLEAVE_NONE,
              swizzle.code(),
              cudart.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
              cudart.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
      if (result != 0) {
        throw DeviceException.ofCuda(
            "cuTensorMapEncodeTiled",
            CudaError.nameOf(result),
            result,
            "describe extents "
                + java.util.Arrays.toString(extents)
                + " with boxes "
                + java.util.Arrays.toString(box)
                + " and swizzle "
                + swizzle);
      }
      long[] words = new long[WORDS];
      memory.position((aligned - memory.address()) / Long.BYTES).get(words);
      return new TensorMap(words);
    }
  }

  /** The 128 bytes of the description. */
  long[] words() {
    return words.clone();
  }
}
