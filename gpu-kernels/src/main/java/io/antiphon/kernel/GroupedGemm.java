package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.device.TensorMap;
import io.antiphon.kernel.GroupedGemmTile.Pass;
import io.antiphon.kernel.GroupedGemmTile.Problem;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The GEMMs of a rank's physical experts: grouped_gemm.cu and its twin grouped_gemm_sm90.cu. */
final class GroupedGemm {
  private static final int THREADS = 256;
  private static final int HOPPER_THREADS = 384;
  private static final int FLOAT_BLOCKS_PER_MULTIPROCESSOR = 4;
  private static final int WORD_BYTES = 16;

  /** Three stages of two operand tiles of 128 by 64: kMmaSharedBytes. */
  private static final int MMA_SHARED_BYTES = 3 * 2 * 128 * 64 * 2;

  private static final int BLOCK_BYTES = 64 * 128;
  private static final int BARRIER_BYTES = 2 * Long.BYTES;

  private final Device device;
  private final DType real;
  private final Map<String, Kernel> byName = new HashMap<>();

  GroupedGemm(Kernels kernels, DType real) {
    this.device = kernels.device();
    this.real = real;
    load(kernels.load(source(real)), portableTiles(real));
    if (real == DType.BF16 && device.architecture().isHopper()) {
      load(kernels.load(hopperSource()), hopperTiles());
    }
  }

  private void load(KernelModule module, List<GroupedGemmTile> tiles) {
    for (Pass pass : Pass.values()) {
      for (GroupedGemmTile tile : tiles) {
        String name = name(pass, tile);
        byName.put(name, module.kernel(name, sharedBytes(tile)));
      }
    }
  }

  /** The portable kernels. */
  static KernelSource source(DType real) {
    return new KernelSource(
        "grouped_gemm.cu", names(portableTiles(real)), KernelSource.Target.PORTABLE);
  }

  /** The kernels of bf16 on Hopper. */
  static KernelSource hopperSource() {
    return new KernelSource(
        "grouped_gemm_sm90.cu", names(hopperTiles()), KernelSource.Target.HOPPER);
  }

  private static List<GroupedGemmTile> portableTiles(DType real) {
    return real == DType.F32
        ? List.of(GroupedGemmTile.FLOAT)
        : List.of(GroupedGemmTile.ELEMENTS, GroupedGemmTile.WORDS);
  }

  private static List<GroupedGemmTile> hopperTiles() {
    return List.of(GroupedGemmTile.HOPPER_NARROW, GroupedGemmTile.HOPPER_WIDE);
  }

  private static List<String> names(List<GroupedGemmTile> tiles) {
    List<String> names = new ArrayList<>();
    for (Pass pass : Pass.values()) {
      for (GroupedGemmTile tile : tiles) {
        names.add(name(pass, tile));
      }
    }
    return names;
  }

  private static String name(Pass pass, GroupedGemmTile tile) {
    String deviceName =
        switch (pass) {
          case FORWARD -> "kForward";
          case INPUT_GRADIENT -> "kInputGradient";
          case WEIGHT_GRADIENT -> "kWeightGradient";
        };
    return switch (tile) {
      case FLOAT -> "grouped_gemm_float<" + deviceName + ">";
      case ELEMENTS -> "grouped_gemm_mma<" + deviceName + ", false>";
      case WORDS -> "grouped_gemm_mma<" + deviceName + ", true>";
      case HOPPER_NARROW, HOPPER_WIDE ->
          "grouped_gemm_sm90<" + deviceName + ", " + tile.columns() + ">";
    };
  }

  private static int sharedBytes(GroupedGemmTile tile) {
    return switch (tile) {
      case FLOAT -> 0;
      case ELEMENTS, WORDS -> MMA_SHARED_BYTES;
      case HOPPER_NARROW -> hopperSharedBytes(6, 2 + 2);
      case HOPPER_WIDE -> hopperSharedBytes(4, 2 + 4);
    };
  }

  /** kSharedBytes: stages of some blocks, two out buffers per warpgroup, two barriers per stage. */
  private static int hopperSharedBytes(int stages, int blocksPerStage) {
    return (stages * blocksPerStage + 2 * 2) * BLOCK_BYTES + stages * BARRIER_BYTES;
  }

  void groupedGemm(Stream stream, Tensor x, ExpertWeights weights, Tensor rowCounts, Tensor y) {
    run(stream, Pass.FORWARD, x, weights, new ExpertWeights(y, y), rowCounts, weights.home());
  }

  void groupedGemmDgrad(
      Stream stream, Tensor dY, ExpertWeights weights, Tensor rowCounts, Tensor dX) {
    run(
        stream,
        Pass.INPUT_GRADIENT,
        dY,
        weights,
        new ExpertWeights(dX, dX),
        rowCounts,
        weights.home());
  }

  void groupedGemmWgrad(
      Stream stream, Tensor x, Tensor dY, Tensor rowCounts, ExpertWeights gradients) {
    run(
        stream,
        Pass.WEIGHT_GRADIENT,
        dY,
        new ExpertWeights(x, x),
        gradients,
        rowCounts,
        gradients.home());
  }

  /**
   * Launches one pass; what does not exist twice (rows, say) is given as both home and slots.
   *
   * @param perExpert tensor whose shape is {@code [localExperts, out, in]}
   */
  private void run(
      Stream stream,
      Pass pass,
      Tensor left,
      ExpertWeights right,
      ExpertWeights result,
      Tensor rowCounts,
      Tensor perExpert) {
    if (result.home().elements() == 0 && result.slots().elements() == 0) {
      return;
    }
    Problem problem =
        new Problem(
            pass,
            rowCounts.extent(0),
            left.shape().extent(0),
            perExpert.extent(1),
            perExpert.extent(2),
            isWordAligned(left, right.home(), right.slots(), result.home(), result.slots()));
    GroupedGemmTile tile =
        GroupedGemmTile.choose(real, device.architecture(), device.multiprocessors(), problem);
    Arguments arguments = new Arguments();
    if (tile.isHopper()) {
      addMaps(arguments, pass, tile, left, right, result);
    } else {
      arguments
          .address(CudaStorage.address(left))
          .address(CudaStorage.address(right.home()))
          .address(CudaStorage.address(right.slots()));
    }
    arguments
        .address(CudaStorage.address(result.home()))
        .address(CudaStorage.address(result.slots()))
        .address(CudaStorage.address(rowCounts))
        .i32(perExpert.extent(0))
        .i32(problem.physicalExperts())
        .i32(Math.toIntExact(problem.capacity()))
        .i32(problem.out())
        .i32(problem.in());
    Objects.requireNonNull(byName.get(name(pass, tile))).launch(stream, grid(tile), arguments);
  }

  private Grid grid(GroupedGemmTile tile) {
    int blocks = device.multiprocessors();
    return switch (tile) {
      case FLOAT -> Grid.of((long) blocks * FLOAT_BLOCKS_PER_MULTIPROCESSOR, THREADS);
      case ELEMENTS, WORDS -> Grid.of(blocks, THREADS);
      case HOPPER_NARROW, HOPPER_WIDE -> Grid.of(blocks, HOPPER_THREADS);
    };
  }

  private static boolean isWordAligned(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor.elements() > 0 && CudaStorage.address(tensor) % WORD_BYTES != 0) {
        return false;
      }
    }
    return true;
  }

  private static void addMaps(
      Arguments arguments,
      Pass pass,
      GroupedGemmTile tile,
      Tensor left,
      ExpertWeights right,
      ExpertWeights result) {
    boolean gradient = pass == Pass.WEIGHT_GRADIENT;
    int rightRows = pass == Pass.FORWARD ? tile.columns() : 64;
    arguments
        .tensorMap(map(left, left, gradient ? 64 : 128))
        .tensorMap(map(right.home(), right.home(), rightRows))
        .tensorMap(map(right.slots(), right.home(), rightRows))
        .tensorMap(map(result.home(), result.slots(), 64))
        .tensorMap(map(result.slots(), result.home(), 64));
  }

  /**
   * The matrix of all rows of {@code tensor}, or of {@code other} if that is empty; 128-byte boxes.
   */
  private static TensorMap map(Tensor tensor, Tensor other, int boxRows) {
    Tensor mapped = tensor.elements() > 0 ? tensor : other;
    int last = mapped.shape().order() - 1;
    long columns = mapped.shape().extent(last);
    int bytes = mapped.dtype().bytes();
    return TensorMap.matrix(
        CudaStorage.address(mapped),
        mapped.dtype() == DType.BF16 ? TensorMap.DataType.BF16 : TensorMap.DataType.F32,
        mapped.elements() / columns,
        columns,
        columns * bytes,
        boxRows,
        128 / bytes,
        TensorMap.Swizzle.B128);
  }
}
