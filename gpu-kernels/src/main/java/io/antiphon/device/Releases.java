package io.antiphon.device;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * How one user of a device gives back what it holds there. To free memory waits for all work of the
 * process: if some of that may never end, memory is kept until all of it has; and for good if it
 * does not, or once the device is lost. Used by one thread.
 */
public final class Releases {
  private final SharedDevice shared;
  private final CudaCalls calls;
  private final String name;
  private final List<Runnable> postponed = new ArrayList<>();
  private boolean suspect;
  private volatile boolean failed;

  Releases(SharedDevice shared, CudaCalls calls, String name) {
    this.shared = shared;
    this.calls = calls;
    this.name = name;
    calls.showTo(shared);
  }

  /** Makes a CUDA call that gives something back and does not wait for other work. */
  void now(String call, IntSupplier cudaCall, String what) {
    if (!isLost()) {
      calls.check(call, cudaCall.getAsInt(), what);
    }
  }

  /** Makes a CUDA call that frees memory, now or in {@link #settle}. */
  void memory(String call, IntSupplier cudaCall, String what) {
    if (suspect) {
      postponed.add(() -> now(call, cudaCall, what));
    } else {
      now(call, cudaCall, what);
    }
  }

  /** Notes that work on the device may never end. */
  public void suspect() {
    suspect = true;
    failed = true;
  }

  /** Whether work on the device may never end. */
  public boolean isSuspect() {
    return suspect || isLost();
  }

  /** Whether something failed on the device, now or before; from any thread. */
  boolean hadFailure() {
    return failed || isLost();
  }

  /** Whether this process has lost the device: nothing on it can be used or freed. */
  public boolean isLost() {
    return shared.loss().isPresent();
  }

  /**
   * Waits until all of this process has no work on the device, frees what was kept, and trusts the
   * device again; loses it if that takes longer.
   *
   * @return whether the device is still of use
   */
  public boolean settle(Duration limit) {
    shared.settle(limit, name);
    suspect = false;
    postponed.forEach(Runnable::run);
    postponed.clear();
    return !isLost();
  }
}
