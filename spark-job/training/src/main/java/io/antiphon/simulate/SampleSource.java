package io.antiphon.simulate;

import java.util.Optional;

/** The counts to simulate, in the order of the steps. */
public interface SampleSource extends AutoCloseable {

  /** The counts of one layer and micro-batch, not made yet. */
  interface Sample {
    long step();

    int layer();

    /**
     * Writes the counts; any thread may ask, once.
     *
     * @param counts {@code [ranks, experts]}, overwritten
     */
    void fill(int[] counts);
  }

  /** A description in a few words, for the head of a report. */
  String description();

  int ranks();

  int experts();

  /** Samples in all, 0 if that is not known before the end. */
  long size();

  /** The next sample, or empty at the end. */
  Optional<Sample> next();

  @Override
  void close();
}
