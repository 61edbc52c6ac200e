package io.antiphon.tensor;

import java.time.Duration;

/**
 * One rank's compute device: memory, lanes, operations and recording. Used by one thread at a time.
 */
public interface Backend extends AutoCloseable {
  /** Name for people: device, library and precision. */
  String description();

  /** Type of activations and of the weights that enter a GEMM. */
  DType computeType();

  /** Type of master weights, gradients and optimizer state. */
  DType masterType();

  /**
   * Allocates zeroed memory. Only {@link Arena} calls this, before the first step.
   *
   * @throws OutOfMemory if the device has no room; names what was asked
   */
  Storage allocate(String name, DType dtype, long elements);

  /**
   * Allocates like {@link #allocate}, but memory of the host that the device writes: what enqueued
   * work leaves there is seen by {@link HostIo#peek} as soon as that work is done.
   */
  Storage allocateHostVisible(String name, DType dtype, long elements);

  /** Frees memory that {@link #allocate} gave; it must not be in use by enqueued work. */
  void free(Storage storage);

  /** The lane of the model's own work. */
  Lane computeLane();

  /** The lane of transfers that may overlap with compute. */
  Lane transferLane();

  /** Operations, enqueued on the compute lane. */
  Ops ops();

  /** Host access. */
  HostIo hostIo();

  /**
   * Records what {@code step} enqueues on this backend's lanes, and its collectives, without
   * running it.
   */
  StepGraph record(Runnable step);

  /**
   * Waits until all enqueued work is done.
   *
   * @throws CommException if the ranks have lost each other; what was enqueued may be without
   *     effect
   * @throws RuntimeException if the work is not done within {@code limit}, or the device is lost
   */
  void synchronize(Duration limit);

  /**
   * Returns at once unless enqueued work is known to have failed.
   *
   * @throws CommException if the ranks have lost each other
   * @throws RuntimeException if the device is lost
   */
  void requireHealthy();

  /**
   * Does what {@link #requireHealthy} does, and asks the device itself, which may cost a call into
   * its driver.
   *
   * @throws CommException if the ranks have lost each other
   * @throws RuntimeException if the device is lost
   */
  void requireAlive();

  @Override
  void close();

  /** A device has no room for a buffer; the message says which, how large, and what to lower. */
  final class OutOfMemory extends RuntimeException {
    /** Carries the message for the user. */
    public OutOfMemory(String message) {
      super(message);
    }

    /** Carries the message for the user, and what it comes from. */
    public OutOfMemory(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
