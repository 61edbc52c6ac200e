package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelSource;
import io.antiphon.device.KernelSource.Target;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Rotary position embedding: {@code rope.cu}. */
final class Rope {
  static final int THREADS = 256;
  static final int TOKENS = 4;
  static final int PAIRS = 128;
  private static final int WIDE_BYTES = 16;

  private final Device device;
  private final Kernel rope;

  static KernelSource source(DType real) {
    return new KernelSource("rope.cu", List.of(named(real)), Target.PORTABLE);
  }

  Rope(Kernels kernels, DType real) {
    device = kernels.device();
    rope = kernels.load(source(real)).kernel(named(real));
  }

  private static String named(DType real) {
    return real == DType.BF16 ? "rope<bf16>" : "rope<float>";
  }

  void turn(
      Stream stream,
      Tensor x,
      Tensor documentStarts,
      int sequenceLength,
      double theta,
      boolean inverse) {
    if (x.elements() == 0) {
      return;
    }
    int half = x.extent(2) / 2;
    boolean wide =
        half * x.dtype().bytes() % WIDE_BYTES == 0 && CudaStorage.address(x) % WIDE_BYTES == 0;
    long groups = (x.extent(0) + TOKENS - 1L) / TOKENS;
    int blocks = Grid.striding(groups * THREADS, THREADS, device).x();
    rope.launch(
        stream,
        new Grid(blocks, (half + PAIRS - 1) / PAIRS, 1, THREADS),
        new Arguments()
            .address(CudaStorage.address(x))
            .address(CudaStorage.address(documentStarts))
            .i64(x.extent(0))
            .i32(x.extent(1))
            .i32(x.extent(2))
            .i32(sequenceLength)
            .f64(theta)
            .i32(inverse ? 1 : 0)
            .i32(wide ? 1 : 0));
  }
}
