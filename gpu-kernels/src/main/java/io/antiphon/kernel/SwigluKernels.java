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
import java.util.List;

/** SwiGLU of rows and of weighted expert rows: swiglu.cu. */
final class SwigluKernels implements OpParts.Activation {
  private final CudaQueue queue;
  static final int THREADS = 256;
  private static final int WARP = 32;

  private final Device device;
  private final Kernel forward;
  private final Kernel backward;
  private final Kernel expertForward;
  private final Kernel expertBackward;

  SwigluKernels(CudaQueue queue, Kernels kernels, DType real) {
    this.queue = queue;
    device = kernels.device();
    List<String> names = source(real).names();
    KernelModule module = kernels.load(source(real));
    forward = module.kernel(names.get(0));
    backward = module.kernel(names.get(1));
    expertForward = module.kernel(names.get(2));
    expertBackward = module.kernel(names.get(3));
  }

  static KernelSource source(DType real) {
    String type = "<" + CudaType.of(real) + ">";
    return new KernelSource(
        "swiglu.cu",
        List.of(
            "swiglu" + type,
            "swiglu_backward" + type,
            "expert_swiglu" + type,
            "expert_swiglu_backward" + type),
        KernelSource.Target.PORTABLE);
  }

  @Override
  public void swiglu(Tensor gateUp, Tensor out) {
    Stream stream = queue.forOperation();
    if (out.elements() == 0) {
      return;
    }
    forward.launch(
        stream,
        grid(out),
        new Arguments()
            .address(CudaStorage.address(gateUp))
            .i64(out.shape().extent(0))
            .i64(out.shape().extent(1))
            .address(CudaStorage.address(out)));
  }

  @Override
  public void swigluBackward(Tensor gateUp, Tensor dOut, Tensor dGateUp) {
    Stream stream = queue.forOperation();
    if (dOut.elements() == 0) {
      return;
    }
    backward.launch(
        stream,
        grid(dOut),
        new Arguments()
            .address(CudaStorage.address(gateUp))
            .address(CudaStorage.address(dOut))
            .i64(dOut.shape().extent(0))
            .i64(dOut.shape().extent(1))
            .address(CudaStorage.address(dGateUp)));
  }

  @Override
  public void expertSwiglu(Tensor gateUp, Tensor rowProbs, Tensor rowCounts, Tensor out) {
    Stream stream = queue.forOperation();
    if (out.elements() == 0) {
      return;
    }
    expertForward.launch(
        stream,
        grid(out),
        new Arguments()
            .address(CudaStorage.address(gateUp))
            .address(CudaStorage.address(rowProbs))
            .address(CudaStorage.address(rowCounts))
            .i32(rowCounts.extent(0))
            .i64(out.shape().extent(0))
            .i64(out.shape().extent(1))
            .address(CudaStorage.address(out)));
  }

  @Override
  public void expertSwigluBackward(
      Tensor gateUp,
      Tensor rowProbs,
      Tensor rowCounts,
      Tensor dOut,
      Tensor dGateUp,
      Tensor dRowProbs) {
    Stream stream = queue.forOperation();
    if (dOut.elements() == 0) {
      return;
    }
    expertBackward.launch(
        stream,
        grid(dOut),
        new Arguments()
            .address(CudaStorage.address(gateUp))
            .address(CudaStorage.address(rowProbs))
            .address(CudaStorage.address(rowCounts))
            .i32(rowCounts.extent(0))
            .address(CudaStorage.address(dOut))
            .i64(dOut.shape().extent(0))
            .i64(dOut.shape().extent(1))
            .address(CudaStorage.address(dGateUp))
            .address(CudaStorage.address(dRowProbs)));
  }

  private Grid grid(Tensor rows) {
    return Grid.striding(rows.shape().extent(0) * WARP, THREADS, device);
  }
}
