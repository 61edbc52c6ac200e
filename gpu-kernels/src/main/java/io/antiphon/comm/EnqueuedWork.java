package io.antiphon.comm;

import io.antiphon.device.DeviceException;
import io.antiphon.kernel.CudaBackend;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Work that a rank has enqueued on its device, and that may wait for ranks which do not come. */
final class EnqueuedWork {
  private static final Logger LOG = LoggerFactory.getLogger(EnqueuedWork.class);

  private final CudaBackend backend;
  private final int rank;
  private boolean hangs;

  EnqueuedWork(CudaBackend backend, int rank) {
    this.backend = backend;
    this.rank = rank;
  }

  /** Waits until all of it is done, and once in vain, not again; false if it is not done. */
  boolean ends(Duration limit) {
    if (!hangs && !backend.drain(limit)) {
      hangs = true;
      LOG.warn("rank {}: enqueued work does not end; memory that it may use is kept", rank);
    }
    return !hangs;
  }

  /** Whether it was waited for in vain. */
  boolean hangs() {
    return hangs;
  }

  /** What closing a group ends with where work hangs. */
  DeviceException abandoned() {
    return new DeviceException(
        "rank " + rank + " leaves its group with work that does not end; its memory is kept", null);
  }
}
