package io.antiphon.device;

import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventElapsedTime;
import static jcuda.driver.JCudaDriver.cuEventQuery;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;

import jcuda.driver.CUevent;

/** A point in a stream. */
public final class Event implements AutoCloseable {
  private final Device device;
  private final CUevent event;
  private boolean closed;

  Event(Device device, CUevent event) {
    this.device = device;
    this.event = event;
  }

  CUevent handle() {
    return event;
  }

  /** Whether the work before this point is done; true if it was never recorded. */
  public boolean isReached() {
    int result = cuEventQuery(event);
    if (result == CudaError.NOT_READY) {
      device.calls().check("cuEventQuery", 0, "");
      return false;
    }
    device.calls().check("cuEventQuery", result, "ask whether earlier work is done");
    return true;
  }

  /** Waits on the host until the work before this point is done. */
  public void await() {
    device.calls().check("cuEventSynchronize", cuEventSynchronize(event), "wait for earlier work");
  }

  /**
   * Milliseconds of device time from {@code start} to this; both are reached and were made with
   * timing.
   */
  public float millisecondsSince(Event start) {
    float[] milliseconds = new float[1];
    device
        .calls()
        .check(
            "cuEventElapsedTime",
            cuEventElapsedTime(milliseconds, start.event, event),
            "time between two events");
    return milliseconds[0];
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      device.releases().now("cuEventDestroy", () -> cuEventDestroy(event), "destroy an event");
    }
  }
}
