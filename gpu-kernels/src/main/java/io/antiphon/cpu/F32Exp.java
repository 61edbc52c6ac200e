package io.antiphon.cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * The exponential function of many fp32 numbers, within 1e-7 of the exact value. From -88 down the
 * result is 0, from 88 up it is that of 88, which is 1.65e38; NaN stays NaN.
 *
 * <p>{@code e^x = 2^k e^r} with integer k and {@code |r| <= ln(2) / 2}, and a polynomial for {@code
 * e^r}. Every pass is a plain loop that the compiler turns into vector instructions. It cannot do
 * so for moves between int and float registers, nor for {@code Math.min} and {@code Math.max} of
 * floats where it finds their outcome predictable; so limits and {@code 2^k} are computed on the
 * bits, which go through native memory that a float and an int buffer view. Nor does it like long
 * loops over arrays at different offsets: the polynomial works on arrays of its own.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // constants as published
final class F32Exp {
  /** Numbers that go through all passes at a time: the arrays of a block fit the first cache. */
  private static final int BLOCK = 1024;

  private static final float LOG2_E = 1.44269504f;

  // ln(2) in two parts; k times the first is exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /**
   * Adding it rounds to an integer and leaves {@code k + 127}, the biased exponent of {@code 2^k},
   * in the low bits.
   */
  private static final float ROUND = 12582912f + 127f;

  /** Bits of 88; -88 gives {@code k = -127}, whose biased exponent 0 makes the result 0. */
  private static final int LARGEST_BITS = 0x42b00000;

  private static final int INFINITY_BITS = 0x7f800000;

  private final FloatBuffer floats;
  private final IntBuffer ints;
  private final float[] x = new float[BLOCK];
  private final float[] scale = new float[BLOCK];
  private final int[] bits = new int[BLOCK];

  F32Exp() {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(BLOCK * Float.BYTES).order(ByteOrder.nativeOrder());
    floats = memory.asFloatBuffer();
    ints = memory.asIntBuffer();
  }

  /** Replaces the first {@code count} values by their exponentials. */
  void apply(float[] values, int count) {
    for (int from = 0; from < count; from += BLOCK) {
      block(values, from, Math.min(BLOCK, count - from));
    }
  }

  private void block(float[] values, int from, int count) {
    floats.put(0, values, from, count);
    ints.get(0, bits, 0, count);
    limit(bits, count);
    ints.put(0, bits, 0, count);
    floats.get(0, x, 0, count);
    shift(x, scale, count);
    floats.put(0, scale, 0, count);
    ints.get(0, bits, 0, count);
    reduce(x, scale, count);
    toExponent(bits, count);
    ints.put(0, bits, 0, count);
    floats.get(0, scale, 0, count);
    multiply(x, scale, values, from, count);
  }

  /** Limits magnitudes to 88; NaN stays NaN. */
  private static void limit(int[] bits, int count) {
    for (int i = 0; i < count; i++) {
      int magnitude = bits[i] & Integer.MAX_VALUE;
      int sign = bits[i] & Integer.MIN_VALUE;
      int above = magnitude - LARGEST_BITS;
      int isNaN = (INFINITY_BITS - magnitude) >> 31; // all bits, or none
      bits[i] = sign | isNaN | (LARGEST_BITS + (above & (above >> 31)));
    }
  }

  /** Writes numbers whose low bits are {@code k + 127}. */
  private static void shift(float[] x, float[] shifted, int count) {
    for (int i = 0; i < count; i++) {
      shifted[i] = x[i] * LOG2_E + ROUND;
    }
  }

  /** Replaces x by {@code e^r}. */
  private static void reduce(float[] x, float[] shifted, int count) {
    for (int i = 0; i < count; i++) {
      float k = shifted[i] - ROUND;
      float r = x[i] - k * LN2_HIGH - k * LN2_LOW;
      // Minimax coefficients of the Cephes library's expf.
      float p = 1.9875691500e-4f;
      p = p * r + 1.3981999507e-3f;
      p = p * r + 8.3334519073e-3f;
      p = p * r + 4.1665795894e-2f;
      p = p * r + 1.6666665459e-1f;
      p = p * r + 5.0000001201e-1f;
      x[i] = p * r * r + r + 1f;
    }
  }

  private static void toExponent(int[] bits, int count) {
    for (int i = 0; i < count; i++) {
      bits[i] <<= 23;
    }
  }

  private static void multiply(float[] x, float[] factors, float[] values, int from, int count) {
    for (int i = 0; i < count; i++) {
      values[from + i] = x[i] * factors[i];
    }
  }
}
