package io.antiphon.device;

/** A block of memory that a device reaches, from {@link DeviceHeap}. */
public sealed interface Block extends AutoCloseable permits DeviceMemory, PinnedMemory {
  /** Leaves the memory to those that still use it: it is never freed, and that is no leak. */
  void keep();

  /** Frees the memory; no enqueued work may use it. */
  @Override
  void close();
}
