package io.antiphon.device;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Checks the CUDA calls made for one device and counts them by name: what shows that a step in
 * steady state makes a handful of calls and never waits for the device.
 */
public final class CudaCalls {
  private final Map<String, Long> counts = new TreeMap<>();
  private @Nullable SharedDevice shared;

  CudaCalls() {}

  /** Shows all results from now on to {@code device}, which recognises by them that it is lost. */
  void showTo(SharedDevice device) {
    shared = device;
  }

  /** Counts a call and fails unless it succeeded; {@code what} says in words what was asked. */
  void check(String call, int result, String what) {
    counts.merge(call, 1L, Long::sum);
    if (result != 0) {
      DeviceException failure = DeviceException.ofCuda(call, result, what);
      if (shared != null) {
        shared.observe(result, () -> String.valueOf(failure.getMessage()));
      }
      throw failure;
    }
  }

  /** Counts a call that may lack memory; true if there was enough. */
  boolean hadMemory(String call, int result, String what) {
    if (result == CudaError.OUT_OF_MEMORY) {
      counts.merge(call, 1L, Long::sum);
      return false;
    }
    check(call, result, what);
    return true;
  }

  /** Calls so far, by the name of CUDA's function. */
  public Map<String, Long> counts() {
    return new TreeMap<>(counts);
  }

  /** Number of all calls so far. */
  public long total() {
    long total = 0;
    for (long count : counts.values()) {
      total += count;
    }
    return total;
  }
}
