package io.antiphon.cpu;

import io.antiphon.tensor.DType;

/**
 * Working memory of one rank's fp32 operations. Operations run one at a time, so all of them use
 * the same memory; what one leaves there means nothing to the next. It is asked for when an
 * operation is enqueued and grows to the largest request.
 */
final class F32Scratch {
  /** Elements that a kernel handles at a time: a few arrays of them stay in the inner caches. */
  static final int BLOCK = 4096;

  private static final int ARRAYS = 8;
  private static final int MATRICES = 2;

  private final float[][] arrays = new float[ARRAYS][0];
  private final CpuStorage.Floats[] matrices = new CpuStorage.Floats[MATRICES];
  private final F32Exp exp = new F32Exp();

  F32Scratch() {
    for (int index = 0; index < MATRICES; index++) {
      matrices[index] = allocate(0);
    }
  }

  /** Rows of {@code width} elements that make a block; at least one. */
  static int rows(int width) {
    return Math.max(1, BLOCK / Math.max(1, width));
  }

  /** Java array number {@code index} with at least {@code length} elements. */
  float[] array(int index, int length) {
    if (arrays[index].length < length) {
      arrays[index] = new float[length];
    }
    return arrays[index];
  }

  /** Native block number {@code index} with at least {@code length} elements. */
  CpuStorage.Floats matrix(int index, int length) {
    if (matrices[index].elements() < length) {
      matrices[index] = allocate(length);
    }
    return matrices[index];
  }

  /** The exponential function. */
  F32Exp exp() {
    return exp;
  }

  private static CpuStorage.Floats allocate(int length) {
    return (CpuStorage.Floats) CpuStorage.allocate("scratch", DType.F32, length);
  }
}
