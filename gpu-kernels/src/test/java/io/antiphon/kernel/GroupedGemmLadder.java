package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.device.TensorMap;
import java.util.Arrays;
import java.util.List;

/**
 * The steps from a naive grouped GEMM to the persistent one, each a file of device code among the
 * test resources; {@code docs/grouped-gemm.md} tells their story.
 */
enum GroupedGemmLadder {
  /** One thread per element. */
  NAIVE("ladder_1_naive.cu", "ladder_naive", KernelSource.Target.PORTABLE) {
    @Override
    void launch(Kernels kernels, Stream stream, Problem problem) {
      long elements = (long) problem.capacity() * problem.out();
      kernels
          .load(source())
          .kernel(kernel())
          .launch(stream, Grid.of(Math.max(1, ceil(elements, 256)), 256), problem.plain());
    }
  },

  /** Tiles in shared memory. */
  TILES("ladder_2_tiles.cu", "ladder_tiles", KernelSource.Target.PORTABLE) {
    @Override
    void launch(Kernels kernels, Stream stream, Problem problem) {
      Grid grid = new Grid(Math.toIntExact(ceil(problem.out(), 64)), problem.rowTiles(64), 1, 256);
      kernels.load(source()).kernel(kernel()).launch(stream, grid, problem.plain());
    }
  },

  /** Bulk copies and tensor cores. */
  TENSOR_CORES("ladder_3_tensor_cores.cu", "ladder_tensor_cores", KernelSource.Target.HOPPER) {
    @Override
    void launch(Kernels kernels, Stream stream, Problem problem) {
      Grid grid = Grid.of((long) problem.rowTiles(64) * ceil(problem.out(), 128), 128);
      kernels
          .load(source())
          .kernel(kernel(), STAGE_BYTES + Long.BYTES)
          .launch(stream, grid, problem.mapped());
    }
  },

  /** A ring of stages, and blocks that walk over the tiles. */
  PERSISTENT("ladder_4_persistent.cu", "ladder_persistent", KernelSource.Target.HOPPER) {
    @Override
    void launch(Kernels kernels, Stream stream, Problem problem) {
      Device device = kernels.device();
      kernels
          .load(source())
          .kernel(kernel(), STAGES * (STAGE_BYTES + 2 * Long.BYTES))
          .launch(stream, Grid.of(device.multiprocessors(), 160), problem.mapped());
    }
  };

  /** Bytes of the operands of one step in depth: 64 rows and 128 columns by 64. */
  static final int STAGE_BYTES = (64 + 128) * 64 * Short.BYTES;

  /** Stages of the last step. */
  static final int STAGES = 6;

  private final String file;
  private final String kernel;
  private final KernelSource.Target target;

  GroupedGemmLadder(String file, String kernel, KernelSource.Target target) {
    this.file = file;
    this.kernel = kernel;
    this.target = target;
  }

  /** Enqueues the step. */
  abstract void launch(Kernels kernels, Stream stream, Problem problem);

  KernelSource source() {
    return new KernelSource(file, List.of(kernel), target);
  }

  static List<KernelSource> sources() {
    return Arrays.stream(values()).map(GroupedGemmLadder::source).toList();
  }

  String file() {
    return file;
  }

  String kernel() {
    return kernel;
  }

  boolean isForHopper() {
    return target == KernelSource.Target.HOPPER;
  }

  private static long ceil(long value, long unit) {
    return (value + unit - 1) / unit;
  }

  /**
   * One product, in device memory.
   *
   * @param x {@code [capacity, in]}
   * @param weights {@code [experts, out, in]}
   * @param rowCounts {@code [experts]}
   * @param result {@code [capacity, out]}
   */
  record Problem(
      int experts,
      int capacity,
      int out,
      int in,
      long x,
      long weights,
      long rowCounts,
      long result) {
    /** Most tiles of so many rows: every expert may end with a part of one. */
    int rowTiles(int rows) {
      return Math.toIntExact(ceil(capacity, rows)) + experts;
    }

    private Arguments plain() {
      return rest(new Arguments().address(x).address(weights));
    }

    private Arguments mapped() {
      return rest(
          new Arguments()
              .tensorMap(map(x, capacity, 64))
              .tensorMap(map(weights, (long) experts * out, 128)));
    }

    private Arguments rest(Arguments arguments) {
      return arguments
          .address(rowCounts)
          .i32(experts)
          .i32(capacity)
          .i32(out)
          .i32(in)
          .address(result);
    }

    private TensorMap map(long address, long rows, int boxRows) {
      return TensorMap.matrix(
          address,
          TensorMap.DataType.BF16,
          rows,
          in,
          (long) in * Short.BYTES,
          boxRows,
          64,
          TensorMap.Swizzle.B128);
    }
  }
}
