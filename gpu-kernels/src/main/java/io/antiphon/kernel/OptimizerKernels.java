package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.AdamTensors;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** Squared norm and AdamW: optimizer.cu. */
final class OptimizerKernels implements OpParts.Update {
  private final CudaQueue queue;
  private final StepKernels step;
  static final int THREADS = 256;
  static final int SUM_THREADS = 1024;
  private static final int ELEMENTS_PER_THREAD = 4;

  private final Device device;
  private final Kernel sumSquares;
  private final Kernel addTerms;
  private final Kernel adamW;

  OptimizerKernels(CudaQueue queue, Kernels kernels, DType real) {
    this.queue = queue;
    step = new StepKernels(kernels);
    device = kernels.device();
    KernelModule module = kernels.load(source(real));
    sumSquares = module.kernel("sum_squares");
    addTerms = module.kernel("add_terms");
    adamW = module.kernel(adamW(real));
  }

  static KernelSource source(DType real) {
    return new KernelSource(
        "optimizer.cu",
        List.of("sum_squares", "add_terms", adamW(real)),
        KernelSource.Target.PORTABLE);
  }

  private static String adamW(DType real) {
    return "adam_w<" + CudaType.of(real) + ">";
  }

  @Override
  public void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    step.decideUpdate(queue.forOperation(), squaredNorm, maxNorm, schedule, state);
  }

  @Override
  public void updateExpertBias(Tensor counts, double rate, StepState state, Tensor bias) {
    step.updateExpertBias(queue.forOperation(), counts, rate, state, bias);
  }

  @Override
  public void commit(StepState state) {
    step.commit(queue.forOperation(), state);
  }

  @Override
  public void push(Tensor record, StepState state, Tensor ring) {
    step.push(queue.forOperation(), record, state, ring);
  }

  @Override
  public void squaredNorm(Tensor gradient, Tensor sum) {
    Stream stream = queue.forOperation();
    if (gradient.elements() == 0) {
      return;
    }
    Grid grid = grid(gradient.elements());
    long parts = stream.scratch((long) grid.x() * Double.BYTES);
    sumSquares.launch(
        stream,
        grid,
        new Arguments()
            .address(CudaStorage.address(gradient))
            .i64(gradient.elements())
            .address(parts));
    addTerms.launch(
        stream,
        Grid.of(1, SUM_THREADS),
        new Arguments().address(parts).i64(grid.x()).address(CudaStorage.address(sum)));
  }

  @Override
  public void adamW(AdamTensors tensors, AdamOptions options, StepState state) {
    Stream stream = queue.forOperation();
    long elements = tensors.master().elements();
    if (elements == 0) {
      return;
    }
    adamW.launch(
        stream,
        grid(elements),
        new Arguments()
            .address(CudaStorage.address(tensors.master()))
            .address(CudaStorage.address(tensors.gradient()))
            .address(CudaStorage.address(tensors.firstMoment()))
            .address(CudaStorage.address(tensors.secondMoment()))
            .address(CudaStorage.address(tensors.weight()))
            .i64(elements)
            .address(CudaStorage.address(state.counters()))
            .address(CudaStorage.address(state.apply()))
            .address(CudaStorage.address(state.learningRate()))
            .address(CudaStorage.address(state.clipFactor()))
            .f64(options.beta1())
            .f64(options.beta2())
            .f64(options.epsilon())
            .f64(options.weightDecay()));
  }

  private Grid grid(long elements) {
    long threads = (elements + ELEMENTS_PER_THREAD - 1) / ELEMENTS_PER_THREAD;
    return Grid.striding(threads, THREADS, device);
  }
}
