package io.antiphon.kernel;

import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.PlanAlgorithm;
import io.antiphon.tensor.PlanTensors;
import io.antiphon.tensor.Tensor;

/** All planners. */
final class PlanKernels {
  private final PlanBalanced balanced;
  private final PlanPrototype prototype;

  PlanKernels(Kernels kernels, DType real) {
    balanced = new PlanBalanced(kernels, real);
    prototype = new PlanPrototype(kernels, real);
  }

  void plan(Stream stream, PlanAlgorithm algorithm, Tensor counts, PlanTensors plan) {
    switch (algorithm.kind()) {
      case NONE -> prototype.noClones(stream, plan);
      case BIN_PACKING -> prototype.binPacking(stream, counts, plan);
      case ONE_SHOT -> prototype.oneShot(stream, counts, plan);
      case BALANCED -> balanced.plan(stream, algorithm, counts, plan);
    }
  }

  void replan(
      Stream stream,
      PlanAlgorithm algorithm,
      Tensor counts,
      Tensor held,
      Tensor toSend,
      PlanTensors plan) {
    balanced.replan(stream, algorithm, counts, held, toSend, plan);
  }
}
