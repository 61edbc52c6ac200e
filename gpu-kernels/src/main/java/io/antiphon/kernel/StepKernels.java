package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.util.List;

/** What decides on a step, commits it and leaves its record: step.cu. */
final class StepKernels {
  static final int THREADS = 256;
  private static final Grid ONE_THREAD = Grid.of(1, 1);
  private static final Grid ONE_BLOCK = Grid.of(1, THREADS);

  private final KernelModule module;
  private final Kernel decide;
  private final Kernel updateBias;
  private final Kernel commit;

  StepKernels(Kernels kernels) {
    module = kernels.load(source());
    decide = module.kernel("decide_update");
    updateBias = module.kernel("update_expert_bias");
    commit = module.kernel("commit_step");
  }

  static KernelSource source() {
    return new KernelSource(
        "step.cu",
        List.of(
            "decide_update",
            "update_expert_bias",
            "commit_step",
            "push_record<uint16>",
            "push_record<uint32>",
            "push_record<uint64>"),
        KernelSource.Target.PORTABLE);
  }

  void decideUpdate(
      Stream stream,
      Tensor squaredNorm,
      double maxNorm,
      ScheduleOptions schedule,
      StepState state) {
    decide.launch(
        stream,
        ONE_THREAD,
        new Arguments()
            .address(CudaStorage.address(squaredNorm))
            .f64(maxNorm)
            .f64(schedule.peak())
            .f64(schedule.floor())
            .i64(schedule.warmupSteps())
            .i64(schedule.steps())
            .address(CudaStorage.address(state.counters()))
            .address(CudaStorage.address(state.overflow()))
            .address(CudaStorage.address(state.apply()))
            .address(CudaStorage.address(state.learningRate()))
            .address(CudaStorage.address(state.clipFactor())));
  }

  void updateExpertBias(Stream stream, Tensor counts, double rate, StepState state, Tensor bias) {
    updateBias.launch(
        stream,
        ONE_BLOCK,
        new Arguments()
            .address(CudaStorage.address(counts))
            .i32(bias.extent(0))
            .f64(rate)
            .address(CudaStorage.address(state.overflow()))
            .address(CudaStorage.address(bias)));
  }

  void commit(Stream stream, StepState state) {
    commit.launch(
        stream,
        ONE_THREAD,
        new Arguments()
            .address(CudaStorage.address(state.overflow()))
            .address(CudaStorage.address(state.apply()))
            .address(CudaStorage.address(state.counters())));
  }

  void push(Stream stream, Tensor record, StepState state, Tensor ring) {
    if (record.elements() == 0) {
      return;
    }
    module
        .kernel("push_record<uint" + 8 * record.dtype().bytes() + ">")
        .launch(
            stream,
            ONE_BLOCK,
            new Arguments()
                .address(CudaStorage.address(record))
                .i64(record.elements())
                .address(CudaStorage.address(state.counters()))
                .i64(ring.shape().extent(0))
                .address(CudaStorage.address(ring)));
  }
}
