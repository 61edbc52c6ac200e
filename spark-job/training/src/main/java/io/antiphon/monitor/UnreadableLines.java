package io.antiphon.monitor;

import java.nio.file.Path;

/**
 * Lines of a metrics file that nobody can use: torn, of another format, or not in order.
 *
 * @param count how many
 * @param firstLine number of the first, from 1; 0 if there is none
 * @param reason why the first cannot be used
 */
record UnreadableLines(long count, long firstLine, String reason) {
  static final UnreadableLines NONE = new UnreadableLines(0, 0, "");

  /** These and one more. */
  UnreadableLines and(long line, String why) {
    return count == 0
        ? new UnreadableLines(1, line, why)
        : new UnreadableLines(count + 1, firstLine, reason);
  }

  /**
   * One sentence for the user.
   *
   * @param done what became of them, such as {@code removed}
   */
  String describe(Path file, String done) {
    return count == 1
        ? "an unreadable line of %s was %s: line %d, %s".formatted(file, done, firstLine, reason)
        : "%d unreadable lines of %s were %s; the first: line %d, %s"
            .formatted(count, file, done, firstLine, reason);
  }
}
