package io.antiphon.kernel;

/**
 * A second user of a backend's memory and work, beside the backend's own thread: a group of ranks.
 * Other ranks wait on its kernels and write its buffers. The backend closes it after all captured
 * steps, and before its own resources.
 */
public interface Companion extends AutoCloseable {
  /** Throws an exception that says why if enqueued work is known to have failed. */
  void requireHealthy();

  /**
   * Hears that a step was captured and can be replayed. Preparing one may have to wait for all that
   * runs on the device, so ranks that share a device meet here before the first of them starts.
   */
  default void stepIsReady() {}

  /**
   * Lets go of memory that the backend is about to free.
   *
   * @return whether it is no longer in use; if it is, it is kept until the process ends
   */
  boolean letsGo(CudaStorage memory);

  @Override
  void close();
}
