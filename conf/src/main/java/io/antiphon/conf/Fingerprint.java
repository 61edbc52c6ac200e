package io.antiphon.conf;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Collectors;

/** One number for all keys that must not change on resume. */
final class Fingerprint {
  private Fingerprint() {}

  static String of(Values values) {
    String fixed =
        Schema.KEYS.values().stream()
            .filter(
                key ->
                    key.key().resume() == Resume.FIXED || key.key().resume() == Resume.SAME_CONTENT)
            .map(key -> key.path() + " = " + SettingsWriter.hocon(key, values) + "\n")
            .collect(Collectors.joining());
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(fixed.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
