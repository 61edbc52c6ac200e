package io.antiphon.model;

/**
 * What the replays of a training step leave for the host.
 *
 * @param kept replays whose records are kept until the host has read them; at least 1
 * @param routing whether records hold the counts of every layer and micro-batch
 */
public record RecordOptions(int kept, boolean routing) {
  public RecordOptions {
    if (kept < 1) {
      throw new IllegalArgumentException("kept records must be >= 1, were " + kept);
    }
  }

  /** The records of the last {@code kept} replays, without counts. */
  public static RecordOptions keeping(int kept) {
    return new RecordOptions(kept, false);
  }
}
