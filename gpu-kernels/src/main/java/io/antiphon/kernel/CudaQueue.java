package io.antiphon.kernel;

import io.antiphon.device.Stream;

/**
 * Where operations are enqueued.
 *
 * @param lane takes them
 * @param operations counts them
 */
record CudaQueue(CudaLane lane, OpCounter operations) {
  /** The stream for one more operation. */
  Stream forOperation() {
    operations.add();
    return lane.stream();
  }
}
