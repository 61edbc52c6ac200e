package io.antiphon.kernel;

import io.antiphon.device.Kernels;
import io.antiphon.tensor.DType;

/** All launchers of one device: every file of device code compiled and loaded. */
record Launchers(
    MemoryKernels memory,
    BatchKernels batch,
    EmbeddingKernels embedding,
    RmsNormKernels rmsNorm,
    Gemm gemm,
    Rope rope,
    Attention attention,
    SwigluKernels swiglu,
    RouterKernels router,
    RouterLossKernels routerLosses,
    CountAssignments countAssignments,
    PlanKernels plan,
    LayoutRows layoutRows,
    RecordLoads recordLoads,
    GroupedGemm groupedGemm,
    CrossEntropyKernels crossEntropy,
    OptimizerKernels optimizer,
    StepKernels step)
    implements AutoCloseable {

  static Launchers load(Kernels kernels, DType real) {
    MemoryKernels memory = new MemoryKernels(kernels);
    return new Launchers(
        memory,
        new BatchKernels(kernels),
        new EmbeddingKernels(kernels, real),
        new RmsNormKernels(kernels, real),
        new Gemm(memory),
        new Rope(kernels, real),
        new Attention(kernels, real),
        new SwigluKernels(kernels, real),
        new RouterKernels(kernels),
        new RouterLossKernels(kernels),
        new CountAssignments(kernels),
        new PlanKernels(kernels),
        new LayoutRows(kernels),
        new RecordLoads(kernels),
        new GroupedGemm(kernels, real, memory),
        new CrossEntropyKernels(kernels, real),
        new OptimizerKernels(kernels, real),
        new StepKernels(kernels));
  }

  @Override
  public void close() {
    gemm.close();
  }
}
