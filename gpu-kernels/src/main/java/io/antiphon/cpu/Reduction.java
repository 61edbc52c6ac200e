package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** Element-wise reduction of a received contribution into a tensor. */
enum Reduction {
  /** Addition in the tensor's own type. */
  SUM,
  /** The larger one; integers only. */
  MAX;

  private static final int BLOCK = 8192;

  /** Reduces {@code contribution}, as many elements as {@code tensor} has, into it. */
  void into(Tensor tensor, ByteBuffer contribution) {
    int first = CpuMemory.offset(tensor);
    int length = (int) tensor.elements();
    switch (tensor.dtype()) {
      case F64 -> {
        double[] values = CpuMemory.doubles(tensor);
        for (int i = first; i < first + length; i++) {
          values[i] += contribution.getDouble();
        }
      }
      case F32 -> addFloats(CpuMemory.floats(tensor), first, length, contribution.asFloatBuffer());
      case I32 -> {
        int[] values = CpuMemory.ints(tensor);
        for (int i = first; i < first + length; i++) {
          int other = contribution.getInt();
          values[i] = this == SUM ? values[i] + other : Math.max(values[i], other);
        }
      }
      case I64 -> {
        long[] values = CpuMemory.longs(tensor);
        for (int i = first; i < first + length; i++) {
          long other = contribution.getLong();
          values[i] = this == SUM ? values[i] + other : Math.max(values[i], other);
        }
      }
      case BF16 -> throw new IllegalStateException("the CPU backend has no bf16");
    }
  }

  private static void addFloats(FloatBuffer target, int first, int length, FloatBuffer other) {
    float[] sum = new float[Math.min(BLOCK, length)];
    float[] addend = new float[sum.length];
    for (int done = 0; done < length; done += BLOCK) {
      int block = Math.min(BLOCK, length - done);
      target.get(first + done, sum, 0, block);
      other.get(done, addend, 0, block);
      for (int i = 0; i < block; i++) {
        sum[i] += addend[i];
      }
      target.put(first + done, sum, 0, block);
    }
  }
}
