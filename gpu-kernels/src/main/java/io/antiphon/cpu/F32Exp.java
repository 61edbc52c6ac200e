package io.antiphon.cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * The exponential function of many fp32 numbers, within 1e-7 of the exact value. Below the smallest
 * normal number the result is 0, above 2^127.5 it is infinite; NaN stays NaN.
 *
 * <p>{@code e^x = 2^k e^r} with integer k and {@code |r| <= ln(2) / 2}, and a polynomial for {@code
 * e^r}. Every pass is a plain loop that the compiler turns into vector instructions. It cannot do
 * so for moves between int and float registers, which {@code 2^k} needs: the bits go through native
 * memory that a float and an int buffer view.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // constants as published
final class F32Exp {
  private static final float LOG2_E = 1.44269504f;

  // ln(2) in two parts; k times the first is exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /**
   * Adding it rounds to an integer and leaves {@code k + 127}, the biased exponent of {@code 2^k},
   * in the low bits.
   */
  private static final float ROUND = 12582912f + 127f;

  /** Gives {@code k = -127}, whose biased exponent 0 makes the result 0. */
  private static final float LOWEST = -88f;

  /** Gives {@code k = 128}, whose biased exponent makes the result infinite. */
  private static final float HIGHEST = 88.8f;

  private final FloatBuffer floats;
  private final IntBuffer ints;
  private final float[] scale = new float[F32Scratch.BLOCK];
  private final int[] bits = new int[F32Scratch.BLOCK];

  F32Exp() {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(F32Scratch.BLOCK * Float.BYTES).order(ByteOrder.nativeOrder());
    floats = memory.asFloatBuffer();
    ints = memory.asIntBuffer();
  }

  /** Replaces the first {@code count} values by their exponentials. */
  void apply(float[] values, int count) {
    for (int from = 0; from < count; from += F32Scratch.BLOCK) {
      block(values, from, Math.min(F32Scratch.BLOCK, count - from));
    }
  }

  private void block(float[] values, int from, int count) {
    reduce(values, from, scale, count);
    floats.put(0, scale, 0, count);
    ints.get(0, bits, 0, count);
    toExponent(bits, count);
    ints.put(0, bits, 0, count);
    floats.get(0, scale, 0, count);
    multiply(values, from, scale, count);
  }

  /** Replaces x by {@code e^r} and writes the number whose low bits are {@code k + 127}. */
  private static void reduce(float[] values, int from, float[] rounded, int count) {
    for (int i = 0; i < count; i++) {
      float x = Math.max(LOWEST, Math.min(HIGHEST, values[from + i]));
      float shifted = x * LOG2_E + ROUND;
      float k = shifted - ROUND;
      float r = x - k * LN2_HIGH - k * LN2_LOW;
      // Minimax coefficients of the Cephes library's expf.
      float p = 1.9875691500e-4f;
      p = p * r + 1.3981999507e-3f;
      p = p * r + 8.3334519073e-3f;
      p = p * r + 4.1665795894e-2f;
      p = p * r + 1.6666665459e-1f;
      p = p * r + 5.0000001201e-1f;
      rounded[i] = shifted;
      values[from + i] = p * r * r + r + 1f;
    }
  }

  private static void toExponent(int[] bits, int count) {
    for (int i = 0; i < count; i++) {
      bits[i] <<= 23;
    }
  }

  private static void multiply(float[] values, int from, float[] factors, int count) {
    for (int i = 0; i < count; i++) {
      values[from + i] *= factors[i];
    }
  }
}
