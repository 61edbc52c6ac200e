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
    SwigluKernels swiglu,
    RouterKernels router,
    RouterLossKernels routerLosses,
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
        new SwigluKernels(kernels, real),
        new RouterKernels(kernels),
        new RouterLossKernels(kernels),
        new CrossEntropyKernels(kernels, real),
        new OptimizerKernels(kernels, real),
        new StepKernels(kernels));
  }

  @Override
  public void close() {
    gemm.close();
  }
}
