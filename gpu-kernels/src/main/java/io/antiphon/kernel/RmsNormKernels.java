package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Root-mean-square norm: rms_norm.cu. */
final class RmsNormKernels implements OpParts.Norm {
  private final CudaQueue queue;
  static final int THREADS = 256;
  private static final int WARP = 32;
  static final int COLUMNS_PER_BLOCK = 32;
  static final int ADD_THREADS = 1024;

  /** Words of a row that a warp's lane keeps in registers. */
  static final int HELD_WORDS = 8;

  private static final int WORD_BYTES = 16;

  /** Blocks of the backward on a multiprocessor: as many as its registers hold. */
  private static final int BLOCKS = 3;

  private final Device device;
  private final DType real;
  private final KernelModule module;
  private final Kernel rowPerWarp;
  private final Kernel rowPerBlock;
  private final Kernel addWeightGradients;
  private final Map<Integer, Kernel> backward = new HashMap<>();

  RmsNormKernels(CudaQueue queue, Kernels kernels, DType real) {
    this.queue = queue;
    this.device = kernels.device();
    this.real = real;
    module = kernels.load(source(real));
    rowPerWarp = module.kernel(forward(real, WARP));
    rowPerBlock = module.kernel(forward(real, THREADS));
    addWeightGradients = module.kernel("add_weight_gradients");
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "rms_norm.cu",
        List.of(
            forward(real, WARP), forward(real, THREADS), backward(real), "add_weight_gradients"),
        KernelSource.Target.PORTABLE);
  }

  private static String forward(DType real, int threadsPerRow) {
    return "rms_norm<" + CudaType.of(real) + ", " + threadsPerRow + ">";
  }

  private static String backward(DType real) {
    return "rms_norm_backward<" + CudaType.of(real) + ">";
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, double epsilon, Tensor y, Tensor inverseRms) {
    Stream stream = queue.forOperation();
    long rows = x.shape().extent(0);
    long hidden = x.shape().extent(1);
    if (rows == 0) {
      return;
    }
    boolean warp = hidden * real.bytes() <= (long) HELD_WORDS * WARP * WORD_BYTES;
    long threads = rows * (warp ? WARP : THREADS);
    (warp ? rowPerWarp : rowPerBlock)
        .launch(
            stream,
            Grid.striding(threads, THREADS, device),
            new Arguments()
                .address(CudaStorage.address(x))
                .address(CudaStorage.address(weight))
                .i64(rows)
                .i64(hidden)
                .f32((float) epsilon)
                .address(CudaStorage.address(y))
                .address(CudaStorage.address(inverseRms)));
  }

  @Override
  public void rmsNormBackward(
      Tensor x, Tensor weight, Tensor inverseRms, Tensor dY, Tensor dX, Tensor dWeight) {
    Stream stream = queue.forOperation();
    long rows = x.shape().extent(0);
    long hidden = x.shape().extent(1);
    if (rows == 0 || hidden == 0) {
      return;
    }
    int sharedBytes = backwardSharedBytes(real, hidden);
    Kernel kernel =
        backward.computeIfAbsent(sharedBytes, bytes -> module.kernel(backward(real), bytes));
    int blocks = (int) Math.min(rows, (long) BLOCKS * device.multiprocessors());
    long partials = stream.scratch(blocks * hidden * Float.BYTES);
    kernel.launch(
        stream,
        Grid.of(blocks, THREADS),
        new Arguments()
            .address(CudaStorage.address(x))
            .address(CudaStorage.address(weight))
            .address(CudaStorage.address(inverseRms))
            .address(CudaStorage.address(dY))
            .i64(rows)
            .i64(hidden)
            .address(CudaStorage.address(dX))
            .address(partials));
    addWeightGradients.launch(
        stream,
        Grid.of((hidden + COLUMNS_PER_BLOCK - 1) / COLUMNS_PER_BLOCK, ADD_THREADS),
        new Arguments()
            .address(partials)
            .i32(blocks)
            .i64(hidden)
            .address(CudaStorage.address(dWeight)));
  }

  /** {@code rms_norm_backward_shared_bytes}: a sum per column, rounded up to whole turns. */
  static int backwardSharedBytes(DType real, long hidden) {
    int columnsAtOnce = THREADS * WORD_BYTES / real.bytes();
    long columns = (hidden + columnsAtOnce - 1) / columnsAtOnce * columnsAtOnce;
    return Math.toIntExact(columns * Float.BYTES);
  }
}
