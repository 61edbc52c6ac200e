package io.antiphon.cpu;

import io.antiphon.tensor.ScheduleOptions;
import io.antiphon.tensor.StepState;
import io.antiphon.tensor.Tensor;

/** Kernels on the state of a step, whatever the floating type; arguments have been checked. */
final class StepOps {
  private StepOps() {}

  static void decideUpdate(
      Tensor squaredNorm, double maxNorm, ScheduleOptions schedule, StepState state) {
    double squared = value(squaredNorm);
    boolean finite = Double.isFinite(squared);
    double norm = Math.sqrt(squared);
    boolean clips = maxNorm > 0 && finite && norm > maxNorm;
    put(state.clipFactor(), clips ? maxNorm / norm : 1);
    put(state.learningRate(), schedule.at(counter(state, 0)));
    put(state.apply(), finite && !overflowed(state) ? 1 : 0);
  }

  static void commit(StepState state) {
    if (!overflowed(state)) {
      count(state, 0);
      count(state, applies(state) ? 1 : 2);
    }
    count(state, 3);
  }

  static boolean overflowed(StepState state) {
    return CpuMemory.ints(state.overflow())[CpuMemory.offset(state.overflow())] != 0;
  }

  static boolean applies(StepState state) {
    return CpuMemory.ints(state.apply())[CpuMemory.offset(state.apply())] == 1;
  }

  static long counter(StepState state, int index) {
    return CpuMemory.longs(state.counters())[CpuMemory.offset(state.counters()) + index];
  }

  /** The value of an F64 scalar. */
  static double value(Tensor scalar) {
    return CpuMemory.doubles(scalar)[CpuMemory.offset(scalar)];
  }

  private static void count(StepState state, int index) {
    CpuMemory.longs(state.counters())[CpuMemory.offset(state.counters()) + index]++;
  }

  private static void put(Tensor scalar, double value) {
    CpuMemory.doubles(scalar)[CpuMemory.offset(scalar)] = value;
  }

  private static void put(Tensor flag, int value) {
    CpuMemory.ints(flag)[CpuMemory.offset(flag)] = value;
  }
}
