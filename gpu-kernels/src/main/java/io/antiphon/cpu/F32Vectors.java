package io.antiphon.cpu;

/**
 * Loops over stretches of fp32 arrays that the compiler turns into vector instructions, and sums in
 * double precision. Eight partial sums hide the latency of the addition; their order is fixed,
 * hence also the bits of the result.
 */
final class F32Vectors {
  private F32Vectors() {}

  /** Adds {@code count} numbers of {@code x} to those of {@code sum}. */
  static void add(float[] x, int fromX, float[] sum, int fromSum, int count) {
    for (int i = 0; i < count; i++) {
      sum[fromSum + i] += x[fromX + i];
    }
  }

  static void subtract(float[] x, int from, float subtrahend, int count) {
    for (int i = 0; i < count; i++) {
      x[from + i] -= subtrahend;
    }
  }

  static void multiply(float[] x, int from, float factor, int count) {
    for (int i = 0; i < count; i++) {
      x[from + i] *= factor;
    }
  }

  static double sum(float[] x, int from, int count) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int i = from;
    int end = from + count;
    for (; i <= end - 8; i += 8) {
      s0 += x[i];
      s1 += x[i + 1];
      s2 += x[i + 2];
      s3 += x[i + 3];
      s4 += x[i + 4];
      s5 += x[i + 5];
      s6 += x[i + 6];
      s7 += x[i + 7];
    }
    for (; i < end; i++) {
      s0 += x[i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  static double dot(float[] x, int fromX, float[] y, int fromY, int count) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int i = 0;
    for (; i <= count - 8; i += 8) {
      s0 += (double) x[fromX + i] * y[fromY + i];
      s1 += (double) x[fromX + i + 1] * y[fromY + i + 1];
      s2 += (double) x[fromX + i + 2] * y[fromY + i + 2];
      s3 += (double) x[fromX + i + 3] * y[fromY + i + 3];
      s4 += (double) x[fromX + i + 4] * y[fromY + i + 4];
      s5 += (double) x[fromX + i + 5] * y[fromY + i + 5];
      s6 += (double) x[fromX + i + 6] * y[fromY + i + 6];
      s7 += (double) x[fromX + i + 7] * y[fromY + i + 7];
    }
    for (; i < count; i++) {
      s0 += (double) x[fromX + i] * y[fromY + i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** The largest of {@code count} numbers, or negative infinity; NaN is passed over. */
  static float max(float[] x, int from, int count) {
    float m0 = Float.NEGATIVE_INFINITY;
    float m1 = m0;
    float m2 = m0;
    float m3 = m0;
    int i = from;
    int end = from + count;
    for (; i <= end - 4; i += 4) {
      m0 = x[i] > m0 ? x[i] : m0;
      m1 = x[i + 1] > m1 ? x[i + 1] : m1;
      m2 = x[i + 2] > m2 ? x[i + 2] : m2;
      m3 = x[i + 3] > m3 ? x[i + 3] : m3;
    }
    for (; i < end; i++) {
      m0 = x[i] > m0 ? x[i] : m0;
    }
    return Math.max(Math.max(m0, m1), Math.max(m2, m3));
  }
}
