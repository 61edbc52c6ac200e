package io.antiphon.conf;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The text of a file of settings; of one that does not end, such as a device, only the beginning.
 */
final class SettingsFile {
  private SettingsFile() {}

  /**
   * The text, and one character more than {@link HoconBudget} allows if the file is longer.
   *
   * @throws CharacterCodingException if the file is not in UTF-8
   */
  static String text(Path file) throws IOException {
    byte[] bytes;
    try (InputStream stream = Files.newInputStream(file)) {
      bytes = stream.readNBytes(4 * HoconBudget.TEXT_CHARS + 1); // a character has up to four bytes
    }
    if (bytes.length > 4 * HoconBudget.TEXT_CHARS) {
      return " ".repeat(HoconBudget.TEXT_CHARS + 1);
    }
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
  }
}
