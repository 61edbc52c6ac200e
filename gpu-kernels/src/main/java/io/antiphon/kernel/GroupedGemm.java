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
import io.antiphon.tensor.ExpertRange;
import io.antiphon.tensor.ExpertWeights;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The GEMMs of a rank's physical experts: on Hopper grouped_gemm_sm90.cu where addresses and sizes
 * allow, otherwise grouped_gemm.cu.
 */
final class GroupedGemm implements OpParts.GroupedGemm {
  private final CudaQueue queue;
  static final int MMA_THREADS = 256;
  static final int MMA_SHARED_BYTES = 3 * 2 * 128 * 64 * 2;
  private static final int FLOAT_BLOCKS_PER_MULTIPROCESSOR = 4;
  private static final int ALIGNED_ELEMENTS = 8;
  private static final int ALIGNMENT = 16;

  /** Which product; the numbers are those of the device code. */
  enum Pass {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT;

    @SuppressWarnings("EnumOrdinal") // the order is that of the device code
    int number() {
      return ordinal();
    }
  }

  /** One call. Which tensors are left, right and result follows from the pass. */
  record Call(
      Pass pass,
      ExpertRange range,
      Tensor left,
      Tensor rightHome,
      Tensor rightSlots,
      Tensor resultHome,
      Tensor resultSlots,
      Tensor rowCounts,
      int localExperts,
      int addedExperts,
      int capacity,
      int out,
      int in) {
    int slots() {
      return rowCounts.extent(0) - localExperts;
    }

    int firstExpert() {
      return range.first(localExperts);
    }

    int endExpert() {
      return range.end(localExperts, rowCounts.extent(0));
    }

    /** How many physical experts are computed. */
    int experts() {
      return endExpert() - firstExpert();
    }

    boolean isAligned() {
      return out % ALIGNED_ELEMENTS == 0
          && in % ALIGNED_ELEMENTS == 0
          && isAligned(left)
          && isAligned(rightHome)
          && isAligned(rightSlots)
          && isAligned(resultHome)
          && isAligned(resultSlots);
    }

    private static boolean isAligned(Tensor tensor) {
      return tensor.elements() == 0 || CudaStorage.address(tensor) % ALIGNMENT == 0;
    }

    /** Appends what follows the operands in the parameters of every kernel. */
    Arguments sizes(Arguments arguments) {
      return arguments
          .address(CudaStorage.address(rowCounts))
          .i32(localExperts)
          .i32(addedExperts)
          .i32(firstExpert())
          .i32(endExpert())
          .i32(capacity)
          .i32(out)
          .i32(in);
    }
  }

  private final Device device;
  private final DType real;
  private final MemoryKernels memory;
  private final KernelModule portable;
  private final Optional<GroupedGemmHopper> hopper;

  GroupedGemm(CudaQueue queue, Kernels kernels, DType real, MemoryKernels memory) {
    this.queue = queue;
    this.device = kernels.device();
    this.real = real;
    this.memory = memory;
    portable = kernels.load(source(real));
    hopper =
        real == DType.BF16 && device.architecture().isHopper()
            ? Optional.of(new GroupedGemmHopper(kernels))
            : Optional.empty();
  }

  static KernelSource source(DType real) {
    List<String> names = new ArrayList<>();
    for (Pass pass : Pass.values()) {
      if (real == DType.F32) {
        names.add(plain(pass));
      } else {
        names.add(mma(pass, true));
        names.add(mma(pass, false));
      }
    }
    return new KernelSource("grouped_gemm.cu", names, KernelSource.Target.PORTABLE);
  }

  private static String plain(Pass pass) {
    return "grouped_gemm_float<" + pass.number() + ">";
  }

  private static String mma(Pass pass, boolean aligned) {
    return "grouped_gemm_mma<" + pass.number() + ", " + aligned + ">";
  }

  @Override
  public void groupedGemm(
      Tensor x, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor y) {
    Stream stream = queue.forOperation();
    run(stream, Pass.FORWARD, range, x, weights, rowCounts, y);
  }

  @Override
  public void groupedGemmDgrad(
      Tensor dY, ExpertWeights weights, Tensor rowCounts, ExpertRange range, Tensor dX) {
    Stream stream = queue.forOperation();
    run(stream, Pass.INPUT_GRADIENT, range, dY, weights, rowCounts, dX);
  }

  private void run(
      Stream stream,
      Pass pass,
      ExpertRange range,
      Tensor left,
      ExpertWeights weights,
      Tensor rowCounts,
      Tensor result) {
    Tensor home = weights.home();
    Call call =
        new Call(
            pass,
            range,
            left,
            home,
            weights.slots(),
            result,
            result,
            rowCounts,
            home.extent(0),
            0,
            left.extent(0),
            home.extent(1),
            home.extent(2));
    if (result.elements() > 0 && call.experts() > 0) {
      enqueue(stream, call);
    }
  }

  @Override
  public void groupedGemmWgrad(
      Tensor x, Tensor dY, Tensor rowCounts, boolean accumulate, ExpertWeights gradients) {
    Stream stream = queue.forOperation();
    Tensor home = gradients.home();
    if (x.extent(0) == 0) {
      if (!accumulate) {
        memory.zero(stream, home);
      }
      memory.zero(stream, gradients.slots());
      return;
    }
    if (home.shape().rowElements() > 0) {
      enqueue(
          stream,
          new Call(
              Pass.WEIGHT_GRADIENT,
              ExpertRange.ALL,
              dY,
              x,
              x,
              home,
              gradients.slots(),
              rowCounts,
              home.extent(0),
              accumulate ? home.extent(0) : 0,
              x.extent(0),
              home.extent(1),
              home.extent(2)));
    }
  }

  private void enqueue(Stream stream, Call call) {
    boolean aligned = call.isAligned();
    if (aligned && hopper.isPresent() && GroupedGemmHopper.takes(call)) {
      hopper.orElseThrow().enqueue(stream, call);
      return;
    }
    boolean plain = real == DType.F32;
    Kernel kernel =
        plain
            ? portable.kernel(plain(call.pass()))
            : portable.kernel(mma(call.pass(), aligned), MMA_SHARED_BYTES);
    int blocks = device.multiprocessors() * (plain ? FLOAT_BLOCKS_PER_MULTIPROCESSOR : 1);
    kernel.launch(
        stream,
        Grid.of(blocks, MMA_THREADS),
        call.sizes(
            new Arguments()
                .address(CudaStorage.address(call.left()))
                .address(CudaStorage.address(call.rightHome()))
                .address(CudaStorage.address(call.rightSlots()))
                .address(CudaStorage.address(call.resultHome()))
                .address(CudaStorage.address(call.resultSlots()))));
  }
}
