package io.antiphon.tensor;

/** A recorded sequence of operations, replayed without running the code that enqueued it again. */
public interface StepGraph extends AutoCloseable {
  /** Enqueues the whole recorded sequence. */
  void replay();

  /** Number of recorded operations. */
  int operations();

  @Override
  void close();
}
