package io.antiphon.cpu;

import io.antiphon.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** Adds received rows, one after the other, and stores the sum as a row of a tensor. */
sealed interface RowSum {
  /** Starts a row at zero. */
  void clear();

  /** Adds the next row of {@code rows}. */
  void add(ByteBuffer rows);

  /** Overwrites row {@code row} of the tensor. */
  void store(int row);

  /** Sums in the type of {@code target}, whose rows are {@code width} wide. */
  static RowSum of(Tensor target, int width) {
    return switch (target.dtype()) {
      case F64 -> new Doubles(target, new double[width]);
      case F32 -> new Floats(target, new float[width], new float[width]);
      case BF16, I32, I64 ->
          throw new IllegalArgumentException("the CPU backend sums no rows of " + target);
    };
  }

  /** Sums in fp64. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Doubles(Tensor target, double[] sum) implements RowSum {
    @Override
    public void clear() {
      Arrays.fill(sum, 0);
    }

    @Override
    public void add(ByteBuffer rows) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += rows.getDouble();
      }
    }

    @Override
    public void store(int row) {
      int at = CpuMemory.offset(target) + row * sum.length;
      System.arraycopy(sum, 0, CpuMemory.doubles(target), at, sum.length);
    }
  }

  /** Sums in fp32. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Floats(Tensor target, float[] sum, float[] addend) implements RowSum {
    @Override
    public void clear() {
      Arrays.fill(sum, 0);
    }

    @Override
    public void add(ByteBuffer rows) {
      FloatBuffer floats = rows.asFloatBuffer();
      floats.get(addend);
      rows.position(rows.position() + addend.length * Float.BYTES);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += addend[i];
      }
    }

    @Override
    public void store(int row) {
      CpuMemory.floats(target).put(CpuMemory.offset(target) + row * sum.length, sum);
    }
  }
}
