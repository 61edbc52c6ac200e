package io.antiphon.cpu;

import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Moves, clears and adds elements of any type. Conversions are Java's: integers to the nearest
 * floating number, floating numbers to integers towards zero.
 */
final class MemoryOps {
  private MemoryOps() {}

  static void zero(Tensor tensor) {
    int from = CpuMemory.offset(tensor);
    int to = from + length(tensor);
    switch (tensor.dtype()) {
      case F64 -> Arrays.fill(CpuMemory.doubles(tensor), from, to, 0);
      case F32 -> {
        FloatBuffer values = CpuMemory.floats(tensor);
        for (int i = from; i < to; i++) {
          values.put(i, 0);
        }
      }
      case I32 -> Arrays.fill(CpuMemory.ints(tensor), from, to, 0);
      case I64 -> Arrays.fill(CpuMemory.longs(tensor), from, to, 0);
      case BF16 -> throw noBf16(tensor);
    }
  }

  static void copy(Tensor from, Tensor to) {
    if (from.dtype() == to.dtype()) {
      copySameType(from, to);
    } else if (from.dtype().isFloating()) {
      for (int i = 0; i < length(from); i++) {
        write(to, i, floating(from, i));
      }
    } else {
      for (int i = 0; i < length(from); i++) {
        write(to, i, integer(from, i));
      }
    }
  }

  private static void copySameType(Tensor from, Tensor to) {
    int source = CpuMemory.offset(from);
    int target = CpuMemory.offset(to);
    int length = length(from);
    switch (from.dtype()) {
      case F64 ->
          System.arraycopy(CpuMemory.doubles(from), source, CpuMemory.doubles(to), target, length);
      case F32 -> CpuMemory.floats(to).put(target, CpuMemory.floats(from), source, length);
      case I32 ->
          System.arraycopy(CpuMemory.ints(from), source, CpuMemory.ints(to), target, length);
      case I64 ->
          System.arraycopy(CpuMemory.longs(from), source, CpuMemory.longs(to), target, length);
      case BF16 -> throw noBf16(from);
    }
  }

  static void add(Tensor x, Tensor into) {
    int offset = CpuMemory.offset(into);
    int length = length(into);
    switch (into.dtype()) {
      case F64 -> {
        double[] sum = CpuMemory.doubles(into);
        for (int i = 0; i < length; i++) {
          sum[offset + i] += floating(x, i);
        }
      }
      case F32 -> {
        FloatBuffer sum = CpuMemory.floats(into);
        for (int i = 0; i < length; i++) {
          sum.put(offset + i, sum.get(offset + i) + (float) floating(x, i));
        }
      }
      case I32 -> {
        int[] sum = CpuMemory.ints(into);
        for (int i = 0; i < length; i++) {
          sum[offset + i] += (int) integer(x, i);
        }
      }
      case I64 -> {
        long[] sum = CpuMemory.longs(into);
        for (int i = 0; i < length; i++) {
          sum[offset + i] += integer(x, i);
        }
      }
      case BF16 -> throw noBf16(into);
    }
  }

  static void addRow(Tensor row, Tensor x) {
    for (int n = 0; n < x.extent(0); n++) {
      add(row, x.rows(n, 1));
    }
  }

  static void push(Tensor record, StepState state, Tensor ring) {
    long replays = CpuMemory.longs(state.counters())[CpuMemory.offset(state.counters()) + 3];
    copySameType(record, ring.rows(Math.floorMod(replays - 1, ring.shape().extent(0)), 1));
  }

  private static double floating(Tensor tensor, int i) {
    int at = CpuMemory.offset(tensor) + i;
    return switch (tensor.dtype()) {
      case F64 -> CpuMemory.doubles(tensor)[at];
      case F32 -> CpuMemory.floats(tensor).get(at);
      case I32, I64, BF16 -> throw new IllegalStateException(tensor + " is not floating here");
    };
  }

  private static long integer(Tensor tensor, int i) {
    int at = CpuMemory.offset(tensor) + i;
    return switch (tensor.dtype()) {
      case I32 -> CpuMemory.ints(tensor)[at];
      case I64 -> CpuMemory.longs(tensor)[at];
      case F64, F32, BF16 -> throw new IllegalStateException(tensor + " is not of integers");
    };
  }

  private static void write(Tensor tensor, int i, double value) {
    int at = CpuMemory.offset(tensor) + i;
    switch (tensor.dtype()) {
      case F64 -> CpuMemory.doubles(tensor)[at] = value;
      case F32 -> CpuMemory.floats(tensor).put(at, (float) value);
      case I32 -> CpuMemory.ints(tensor)[at] = (int) value;
      case I64 -> CpuMemory.longs(tensor)[at] = (long) value;
      case BF16 -> throw noBf16(tensor);
    }
  }

  private static void write(Tensor tensor, int i, long value) {
    int at = CpuMemory.offset(tensor) + i;
    switch (tensor.dtype()) {
      case F64 -> CpuMemory.doubles(tensor)[at] = value;
      case F32 -> CpuMemory.floats(tensor).put(at, (float) value);
      case I32 -> CpuMemory.ints(tensor)[at] = (int) value;
      case I64 -> CpuMemory.longs(tensor)[at] = value;
      case BF16 -> throw noBf16(tensor);
    }
  }

  private static int length(Tensor tensor) {
    return (int) tensor.elements();
  }

  private static IllegalStateException noBf16(Tensor tensor) {
    return new IllegalStateException("the CPU backend has no " + tensor);
  }
}
