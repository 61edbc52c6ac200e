package io.antiphon.train.checkpoint;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

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

  /** A fingerprint of a text: SHA-256 of its UTF-8 bytes, in hexadecimal. */
  public static String fingerprintOf(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static void requireShort(String what, String text, int limit) {
    if (text.length() > limit) {
      throw new IllegalArgumentException(
          "%s has %d characters; the limit is %d".formatted(what, text.length(), limit));
    }
  }
}
