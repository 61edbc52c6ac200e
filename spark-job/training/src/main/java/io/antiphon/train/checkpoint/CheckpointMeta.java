package io.antiphon.train.checkpoint;

/**
 * What a checkpoint says besides its tensors.
 *
 * @param globalSequencePosition sequences of the global order that training has consumed
 * @param world the ranks that wrote it
 * @param settings the effective settings, as HOCON text
 * @param settingsFingerprint changes when a setting changes that a resumed run must not change
 * @param scalars the rest of the training state
 * @param writer the program and version that wrote it
 */
public record CheckpointMeta(
    long globalSequencePosition,
    World world,
    String settings,
    String settingsFingerprint,
    Scalars scalars,
    String writer) {
  /** Checks the position and the lengths of the texts. */
  public CheckpointMeta {
    if (globalSequencePosition < 0) {
      throw new IllegalArgumentException(
          "globalSequencePosition must be >= 0, was " + globalSequencePosition);
    }
    requireShort("settings", settings, Limits.TEXT_CHARS);
    requireShort("settingsFingerprint", settingsFingerprint, Limits.NAME_CHARS);
    requireShort("writer", writer, Limits.NAME_CHARS);
  }

  private static void requireShort(String what, String text, int limit) {
    if (text.length() > limit) {
      throw new IllegalArgumentException(
          "%s has %d characters; the limit is %d".formatted(what, text.length(), limit));
    }
  }
}
