package io.antiphon.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;

/** The tokenizer file of a run, kept with it: the original may be moved, changed or far away. */
public final class TokenizerCopy {
  private static final String FILE = "tokenizer.json";

  private TokenizerCopy() {}

  /**
   * Keeps a copy, unless it is there.
   *
   * @param content of the file
   * @throws UncheckedIOException if it cannot be written
   */
  public static void keep(Path runDirectory, byte[] content) {
    Path copy = runDirectory.resolve(FILE);
    Path draft = runDirectory.resolve("." + FILE + ".tmp");
    try {
      if (Files.isRegularFile(copy) && Arrays.equals(Files.readAllBytes(copy), content)) {
        return;
      }
      Files.write(draft, content);
      Files.move(draft, copy, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + copy + ": " + e.getMessage(), e);
    }
  }

  /** The address of the copy; empty if the run has none. */
  public static Optional<String> of(Path runDirectory) {
    Path copy = runDirectory.toAbsolutePath().resolve(FILE);
    return Files.isRegularFile(copy) ? Optional.of(Directories.LOCAL + copy) : Optional.empty();
  }
}
