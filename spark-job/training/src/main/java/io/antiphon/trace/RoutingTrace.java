package io.antiphon.trace;

import java.util.Optional;

/** Recorded counts in the order in which they happened. */
public interface RoutingTrace extends AutoCloseable {
  /** Name of the input, for messages. */
  String name();

  /**
   * The next record, or empty at the end.
   *
   * @throws TraceException if the input is not a trace
   */
  Optional<RoutingRecord> next();

  @Override
  void close();
}
