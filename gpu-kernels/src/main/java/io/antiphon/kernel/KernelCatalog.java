package io.antiphon.kernel;

import io.antiphon.device.KernelSource;
import io.antiphon.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/** Every file of device code of this package with the kernels that its launchers instantiate. */
public final class KernelCatalog {
  private KernelCatalog() {}

  /** Sources of a backend that computes in {@code real}, on any supported device. */
  public static List<KernelSource> sources(DType real) {
    List<KernelSource> sources = new ArrayList<>();
    sources.add(MemoryKernels.source());
    sources.add(BatchKernels.source());
    sources.add(EmbeddingKernels.source(real));
    sources.add(RmsNormKernels.source(real));
    sources.add(SwigluKernels.source(real));
    sources.add(Rope.source(real));
    sources.addAll(Attention.sources(real));
    sources.add(RouterKernels.source());
    sources.add(RouterLossKernels.source());
    sources.add(CountAssignments.source());
    sources.add(PlanKernels.balancedSource());
    sources.add(PlanKernels.prototypeSource());
    sources.add(LayoutRows.source());
    sources.add(RecordLoads.source());
    sources.add(GroupedGemm.source(real));
    if (real == DType.BF16) {
      sources.add(GroupedGemmHopper.source());
    }
    sources.add(CrossEntropyKernels.source(real));
    sources.add(OptimizerKernels.source(real));
    sources.add(StepKernels.source());
    return sources;
  }
}
