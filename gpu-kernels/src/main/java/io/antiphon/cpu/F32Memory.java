package io.antiphon.cpu;

import io.antiphon.tensor.DType;
import io.antiphon.tensor.OpParts;
import io.antiphon.tensor.Tensor;
import java.util.Arrays;

/** Clearing, adding and looking up rows: in fp32, and where other types take part, in any. */
final class F32Memory implements OpParts.Memory, OpParts.Embedding {
  private final Recorder recorder;
  private final F32Scratch scratch;

  F32Memory(Recorder recorder, F32Scratch scratch) {
    this.recorder = recorder;
    this.scratch = scratch;
  }

  @Override
  public void zero(Tensor tensor) {
    recorder.submit(tensor.dtype() == DType.F32 ? fastZero(tensor) : () -> MemoryOps.zero(tensor));
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    recorder.submit(() -> MemoryOps.copy(from, to));
  }

  @Override
  public void add(Tensor x, Tensor into) {
    recorder.submit(areF32(x, into) ? fastAdd(x, into) : () -> MemoryOps.add(x, into));
  }

  @Override
  public void addRow(Tensor row, Tensor x) {
    recorder.submit(areF32(row, x) ? fastAddRow(row, x) : () -> MemoryOps.addRow(row, x));
  }

  private static boolean areF32(Tensor one, Tensor other) {
    return one.dtype() == DType.F32 && other.dtype() == DType.F32;
  }

  private Runnable fastZero(Tensor tensor) {
    F32View view = F32View.of(tensor);
    float[] zeros = scratch.array(0, F32Scratch.BLOCK);
    return () -> zero(view, zeros);
  }

  /** Writes zeros, by way of {@code block}. */
  static void zero(F32View view, float[] block) {
    Arrays.fill(block, 0, Math.min(F32Scratch.BLOCK, view.length()), 0);
    for (int from = 0; from < view.length(); from += F32Scratch.BLOCK) {
      view.write(from, block, Math.min(F32Scratch.BLOCK, view.length() - from));
    }
  }

  private Runnable fastAdd(Tensor x, Tensor into) {
    F32View xView = F32View.of(x);
    F32View intoView = F32View.of(into);
    float[] terms = scratch.array(0, F32Scratch.BLOCK);
    float[] sums = scratch.array(1, F32Scratch.BLOCK);
    return () -> {
      for (int from = 0; from < xView.length(); from += F32Scratch.BLOCK) {
        int count = Math.min(F32Scratch.BLOCK, xView.length() - from);
        xView.read(from, terms, count);
        intoView.read(from, sums, count);
        F32Vectors.add(terms, 0, sums, 0, count);
        intoView.write(from, sums, count);
      }
    };
  }

  private Runnable fastAddRow(Tensor row, Tensor x) {
    int rows = x.extent(0);
    int columns = x.extent(1);
    int blockRows = F32Scratch.rows(columns);
    F32View rowView = F32View.of(row);
    F32View xView = F32View.of(x);
    float[] terms = scratch.array(0, columns);
    float[] sums = scratch.array(1, blockRows * columns);
    return () -> {
      rowView.read(0, terms, columns);
      for (int first = 0; first < rows; first += blockRows) {
        int count = Math.min(blockRows, rows - first);
        xView.read(first * columns, sums, count * columns);
        for (int i = 0; i < count; i++) {
          F32Vectors.add(terms, 0, sums, i * columns, columns);
        }
        xView.write(first * columns, sums, count * columns);
      }
    };
  }

  @Override
  public void embed(Tensor ids, Tensor table, Tensor out) {
    int tokens = ids.extent(0);
    int vocabulary = table.extent(0);
    int hidden = table.extent(1);
    int[] id = CpuMemory.ints(ids);
    int firstId = CpuMemory.offset(ids);
    F32View tableView = F32View.of(table);
    F32View outView = F32View.of(out);
    recorder.submit(
        () -> {
          for (int token = 0; token < tokens; token++) {
            int row = IndexChecks.index("token id", id[firstId + token], vocabulary);
            tableView.copy(row * hidden, outView, token * hidden, hidden);
          }
        });
  }

  @Override
  public void embedBackward(Tensor ids, Tensor dOut, Tensor dTable) {
    int tokens = ids.extent(0);
    int vocabulary = dTable.extent(0);
    int hidden = dTable.extent(1);
    int[] id = CpuMemory.ints(ids);
    int firstId = CpuMemory.offset(ids);
    F32View outView = F32View.of(dOut);
    F32View tableView = F32View.of(dTable);
    float[] terms = scratch.array(0, hidden);
    float[] sums = scratch.array(1, hidden);
    recorder.submit(
        () -> {
          for (int token = 0; token < tokens; token++) {
            int row = IndexChecks.index("token id", id[firstId + token], vocabulary);
            outView.read(token * hidden, terms, hidden);
            tableView.read(row * hidden, sums, hidden);
            F32Vectors.add(terms, 0, sums, 0, hidden);
            tableView.write(row * hidden, sums, hidden);
          }
        });
  }
}
