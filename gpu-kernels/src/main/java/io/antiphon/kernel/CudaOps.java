package io.antiphon.kernel;

import io.antiphon.device.Kernels;
import io.antiphon.tensor.CheckedOps;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Ops;

/** The operations of one device: every file of device code compiled and loaded. */
record CudaOps(Ops ops, Gemm gemm) implements AutoCloseable {
  static CudaOps load(Kernels kernels, CudaQueue queue, DType real) {
    MemoryKernels memory = new MemoryKernels(queue, kernels);
    Gemm gemm = new Gemm(queue, memory);
    OpParts parts =
        new OpParts(
            memory,
            new BatchKernels(queue, kernels),
            new EmbeddingKernels(queue, kernels, real),
            new RmsNormKernels(queue, kernels, real),
            gemm,
            new SwigluKernels(queue, kernels, real),
            new Attention(queue, kernels, real),
            new RouterKernels(queue, kernels),
            new PlanKernels(queue, kernels),
            new GroupedGemm(queue, kernels, real, memory),
            new CrossEntropyKernels(queue, kernels, real),
            new OptimizerKernels(queue, kernels, real));
    return new CudaOps(new CheckedOps(real, DType.F32, parts), gemm);
  }

  @Override
  public void close() {
    gemm.close();
  }
}
