package io.antiphon.kernel;

/** Counts the operations that are enqueued while a step is recorded. */
public final class OpCounter {
  private boolean counting;
  private int count;

  OpCounter() {}

  void start() {
    if (counting) {
      throw new IllegalStateException("a step is being recorded already");
    }
    counting = true;
    count = 0;
  }

  int stop() {
    counting = false;
    return count;
  }

  /** Notes that an operation was enqueued. */
  public void add() {
    count++;
  }
}
