package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.device.TensorMap;
import io.antiphon.kernel.GroupedGemm.Call;
import io.antiphon.kernel.GroupedGemm.Pass;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Grouped GEMM by WGMMA and bulk copies: grouped_gemm_sm90.cu. */
final class GroupedGemmHopper {
  static final int THREADS = 384;
  static final int DEPTH = 64;
  private static final int BLOCK_ROWS = 64;
  private static final int BLOCK_COLUMNS = 64;
  private static final int FLOAT_BLOCK_COLUMNS = 32;
  private static final int BLOCK_BYTES = 64 * 128;
  private static final List<Integer> TILES = List.of(GroupedGemmTile.NARROW, GroupedGemmTile.WIDE);

  private final Device device;
  private final KernelModule module;

  GroupedGemmHopper(Kernels kernels) {
    device = kernels.device();
    module = kernels.load(source());
  }

  static KernelSource source() {
    List<String> names = new ArrayList<>();
    for (Pass pass : Pass.values()) {
      TILES.forEach(columns -> names.add(name(pass, columns)));
    }
    return new KernelSource("grouped_gemm_sm90.cu", names, KernelSource.Target.HOPPER);
  }

  private static String name(Pass pass, int tileColumns) {
    return "grouped_gemm_sm90<" + pass.number() + ", " + tileColumns + ">";
  }

  /**
   * Whether sizes allow it, given aligned operands: no operand may be empty, and a step in depth
   * must end with the weights.
   */
  static boolean takes(Call call) {
    return call.out() > 0
        && call.in() > 0
        && (call.pass() != Pass.INPUT_GRADIENT || call.out() % DEPTH == 0);
  }

  /** Shared memory of a block, in bytes. Wide tiles trade stages for buffers of results. */
  static int sharedBytes(Pass pass, int tileColumns) {
    boolean wide = tileColumns == GroupedGemmTile.WIDE;
    boolean ofWeights = pass == Pass.WEIGHT_GRADIENT;
    int stages = !wide ? 6 : ofWeights ? 4 : 3;
    int outBuffers = wide && !ofWeights ? 4 : 2;
    return stages * (GroupedGemmTile.ROWS + tileColumns) * DEPTH * Short.BYTES
        + 2 * outBuffers * BLOCK_BYTES
        + (stages * 2 + 1) * Long.BYTES;
  }

  void enqueue(Stream stream, Call call) {
    Pass pass = call.pass();
    boolean ofWeights = pass == Pass.WEIGHT_GRADIENT;
    int columns =
        GroupedGemmTile.columns(
            pass, call.experts(), call.capacity(), call.out(), call.in(), device.multiprocessors());
    TensorMap left =
        rows(call.left(), pass == Pass.FORWARD ? call.in() : call.out(), ofWeights ? 64 : 128);
    TensorMap rightHome;
    TensorMap rightSlots;
    TensorMap resultHome;
    TensorMap resultSlots;
    if (ofWeights) {
      rightHome = rows(call.rightHome(), call.in(), BLOCK_ROWS);
      rightSlots = rightHome;
      resultHome = gradients(call.resultHome(), call.in());
      resultSlots = call.slots() == 0 ? resultHome : gradients(call.resultSlots(), call.in());
    } else {
      int boxRows = pass == Pass.FORWARD ? columns : BLOCK_ROWS;
      rightHome = rows(call.rightHome(), call.in(), boxRows);
      rightSlots = call.slots() == 0 ? rightHome : rows(call.rightSlots(), call.in(), boxRows);
      resultHome =
          rows(call.resultHome(), pass == Pass.FORWARD ? call.out() : call.in(), BLOCK_ROWS);
      resultSlots = resultHome;
    }
    Arguments arguments =
        new Arguments()
            .tensorMap(left)
            .tensorMap(rightHome)
            .tensorMap(rightSlots)
            .tensorMap(resultHome)
            .tensorMap(resultSlots)
            .address(CudaStorage.address(call.resultHome()))
            .address(CudaStorage.address(call.resultSlots()));
    module
        .kernel(name(pass, columns), sharedBytes(pass, columns))
        .launch(stream, Grid.of(device.multiprocessors(), THREADS), call.sizes(arguments));
  }

  private static TensorMap rows(Tensor tensor, int width, int boxRows) {
    return map(tensor, TensorMap.DataType.BF16, width, boxRows, BLOCK_COLUMNS);
  }

  private static TensorMap gradients(Tensor tensor, int width) {
    return map(tensor, TensorMap.DataType.F32, width, BLOCK_ROWS, FLOAT_BLOCK_COLUMNS);
  }

  /** All rows of a tensor, whatever its outer extents, as one matrix. */
  private static TensorMap map(
      Tensor tensor, TensorMap.DataType type, int width, int boxRows, int boxColumns) {
    return TensorMap.matrix(
        CudaStorage.address(tensor),
        type,
        tensor.elements() / width,
        width,
        (long) width * tensor.dtype().bytes(),
        boxRows,
        boxColumns,
        TensorMap.Swizzle.B128);
  }
}
