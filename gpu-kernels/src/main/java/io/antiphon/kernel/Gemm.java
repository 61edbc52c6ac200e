package io.antiphon.kernel;

import io.antiphon.device.DenseGemm;
import io.antiphon.device.DenseGemm.ElementType;
import io.antiphon.device.DenseGemm.Operand;
import io.antiphon.device.Stream;
import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** Dense matrix products. */
final class Gemm implements OpParts.Gemm, AutoCloseable {
  private final CudaQueue queue;
  private final DenseGemm library = new DenseGemm();
  private final MemoryKernels memory;

  Gemm(CudaQueue queue, MemoryKernels memory) {
    this.queue = queue;
    this.memory = memory;
  }

  @Override
  public void gemm(
      boolean transposeA, boolean transposeB, Tensor a, Tensor b, boolean accumulate, Tensor c) {
    Stream stream = queue.forOperation();
    long inner = a.shape().extent(transposeA ? 0 : 1);
    if (c.elements() == 0) {
      return;
    }
    if (inner == 0) {
      if (!accumulate) {
        memory.zero(stream, c);
      }
      return;
    }
    library.multiply(
        stream,
        operand(a, transposeA),
        operand(b, transposeB),
        operand(c, false),
        c.shape().extent(0),
        c.shape().extent(1),
        inner,
        accumulate);
  }

  private static Operand operand(Tensor tensor, boolean transposed) {
    ElementType type = tensor.dtype() == DType.BF16 ? ElementType.BF16 : ElementType.F32;
    return new Operand(CudaStorage.address(tensor), type, transposed);
  }

  @Override
  public void close() {
    library.close();
  }
}
