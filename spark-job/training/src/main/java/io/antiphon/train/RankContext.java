package io.antiphon.train;

import io.antiphon.train.report.RunReport;
import io.antiphon.transport.Transport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * What one rank gets from the host that started it.
 *
 * @param transport messages to the other ranks
 * @param reports takes what rank 0 reports about the run; other ranks do not use it
 * @param stopRequested whether the user wants the run to end; polled between steps and before a
 *     checkpoint. On rank 0 it fails if something reported before could not be taken
 * @param attempt distinguishes this attempt's files from those of earlier ones; the same on all
 *     ranks
 */
public record RankContext(
    Transport transport,
    Consumer<RunReport> reports,
    BooleanSupplier stopRequested,
    String attempt) {
  /** World rank. */
  public int rank() {
    return transport.rank();
  }

  /** Fails on rank 0 if something reported before could not be taken. */
  void requireHeard() {
    boolean unused = stopRequested.getAsBoolean();
  }
}
