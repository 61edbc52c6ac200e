package io.antiphon.kernel;

/**
 * Somebody who uses a backend's memory and work beside the backend's own thread: a group of ranks,
 * on whose kernels other ranks wait and whose buffers they write. Closed by the backend before its
 * own resources are, and after all recorded steps.
 */
public interface Companion extends AutoCloseable {
  /** Returns unless enqueued work is known to have failed; then throws what says why. */
  void requireHealthy();

  /**
   * A step was recorded and can be replayed. Preparing one may have to wait for all that runs on
   * the device, so ranks that share a device meet here before the first of them starts.
   */
  default void stepIsReady() {}

  /**
   * Lets go of memory that the backend is about to free.
   *
   * @return whether nobody uses it any more; if not, it is kept until the process ends
   */
  boolean letsGo(CudaStorage memory);

  @Override
  void close();
}
