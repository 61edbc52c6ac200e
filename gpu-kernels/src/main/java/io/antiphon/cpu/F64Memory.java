package io.antiphon.cpu;

import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;

/** Moving, clearing and adding, element by element. */
final class F64Memory implements OpParts.Memory {
  private final Recorder recorder;

  F64Memory(Recorder recorder) {
    this.recorder = recorder;
  }

  @Override
  public void zero(Tensor tensor) {
    recorder.submit(() -> MemoryOps.zero(tensor));
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    recorder.submit(() -> MemoryOps.copy(from, to));
  }

  @Override
  public void add(Tensor x, Tensor into) {
    recorder.submit(() -> MemoryOps.add(x, into));
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    recorder.submit(() -> MemoryOps.addRow(row, x));
  }
}
