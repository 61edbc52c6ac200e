package io.antiphon.kernel;

import io.antiphon.device.Arguments;
import io.antiphon.device.Device;
import io.antiphon.device.Grid;
import io.antiphon.device.Kernel;
import io.antiphon.device.KernelModule;
import io.antiphon.device.KernelSource;
import io.antiphon.device.Kernels;
import io.antiphon.device.Stream;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Routing;
import io.antiphon.tensor.ScoreFunction;
import io.antiphon.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Scores, choice of experts and its gradient: router.cu. */
final class RouterKernels implements OpParts.Router {
  private final CudaQueue queue;
  private final RouterLossKernels lossKernels;
  static final int THREADS = 256;
  private static final int WARP = 32;

  /** Experts that a lane holds; the least that suffices is taken. */
  private static final List<Integer> PER_LANE = List.of(1, 2, 4, 8, 16, 32);

  private final Device device;
  private final KernelModule module;

  RouterKernels(CudaQueue queue, Kernels kernels) {
    this.queue = queue;
    lossKernels = new RouterLossKernels(kernels);
    device = kernels.device();
    module = kernels.load(source());
  }

  static KernelSource source() {
    List<String> names = new ArrayList<>();
    for (ScoreFunction function : ScoreFunction.values()) {
      PER_LANE.forEach(perLane -> names.add(route(perLane, function)));
      names.add(backward(function));
    }
    return new KernelSource("router.cu", names, KernelSource.Target.PORTABLE);
  }

  private static String route(int perLane, ScoreFunction function) {
    return "route<" + perLane + ", " + normalizesChosen(function) + ">";
  }

  private static String backward(ScoreFunction function) {
    return "route_backward<" + normalizesChosen(function) + ">";
  }

  private static boolean normalizesChosen(ScoreFunction function) {
    return switch (function) {
      case SOFTMAX -> false;
      case SOFTMAX_OF_CHOSEN -> true;
    };
  }

  @Override
  public void routerLosses(
      Tensor logits,
      Tensor scores,
      Tensor topExperts,
      Routing routing,
      int sequenceLength,
      double auxScale,
      double zScale,
      Tensor dLogits,
      Tensor losses) {
    lossKernels.enqueue(
        queue.forOperation(),
        logits,
        scores,
        topExperts,
        routing,
        sequenceLength,
        auxScale,
        zScale,
        dLogits,
        losses);
  }

  @Override
  public void route(
      Tensor logits, Tensor bias, Routing routing, Tensor scores, Tensor topExperts, Tensor probs) {
    Stream stream = queue.forOperation();
    long tokens = logits.shape().extent(0);
    int experts = logits.extent(1);
    int topK = routing.topK();
    int mostExperts = WARP * PER_LANE.get(PER_LANE.size() - 1);
    if (experts > mostExperts || topK > WARP) {
      throw new IllegalArgumentException(
          "the router's kernel takes at most "
              + mostExperts
              + " experts and "
              + WARP
              + " choices per token, were "
              + experts
              + " and "
              + topK
              + ". Lower moe.experts or moe.top-k");
    }
    if (tokens == 0) {
      return;
    }
    int perLane =
        PER_LANE.stream().filter(each -> each * WARP >= experts).findFirst().orElseThrow();
    kernel(route(perLane, routing.scoreFunction()))
        .launch(
            stream,
            grid(tokens),
            new Arguments()
                .address(CudaStorage.address(logits))
                .address(CudaStorage.address(bias))
                .i64(tokens)
                .i32(experts)
                .i32(topK)
                .address(CudaStorage.address(scores))
                .address(CudaStorage.address(topExperts))
                .address(CudaStorage.address(probs)));
  }

  @Override
  public void routeBackward(
      Tensor scores,
      Tensor topExperts,
      Tensor probs,
      Routing routing,
      Tensor dProbs,
      Tensor dLogits) {
    Stream stream = queue.forOperation();
    long tokens = scores.shape().extent(0);
    if (tokens == 0) {
      return;
    }
    kernel(backward(routing.scoreFunction()))
        .launch(
            stream,
            grid(tokens),
            new Arguments()
                .address(CudaStorage.address(scores))
                .address(CudaStorage.address(topExperts))
                .address(CudaStorage.address(probs))
                .address(CudaStorage.address(dProbs))
                .i64(tokens)
                .i32(scores.extent(1))
                .i32(routing.topK())
                .address(CudaStorage.address(dLogits)));
  }

  private Kernel kernel(String name) {
    return module.kernel(name);
  }

  private Grid grid(long tokens) {
    return Grid.striding(tokens * WARP, THREADS, device);
  }
}
