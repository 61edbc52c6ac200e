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
   * The text of a file that a user wrote: see {@link #text(Path, int)}.
   *
   * @throws CharacterCodingException if the file is not in UTF-8
   */
  static String text(Path file) throws IOException {
    return text(file, HoconBudget.TEXT_CHARS);
  }

  /**
   * The text, or if it is much longer than {@code most}, one that is longer by a character.
   *
   * @throws CharacterCodingException if the file is not in UTF-8
   */
  static String text(Path file, int most) throws IOException {
    byte[] bytes;
    try (InputStream stream = Files.newInputStream(file)) {
      bytes = stream.readNBytes(4 * most + 1); // a character has up to four bytes
    }
    if (bytes.length > 4 * most) {
      return " ".repeat(most + 1);
    }
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
  }
}
