package io.antiphon.monitor;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.stream.Stream;

/**
 * Where progress is shown and what can be shown there.
 *
 * @param out the stream; it stays the caller's
 * @param redraws whether a carriage return goes back over the current line, as on a terminal
 * @param escapes whether ANSI escape sequences may be sent
 * @param unicode whether characters beyond ASCII may be sent
 * @param columns the width in characters, asked whenever a line is drawn
 */
public record Terminal(
    PrintStream out, boolean redraws, boolean escapes, boolean unicode, IntSupplier columns) {

  private static final int USUAL_COLUMNS = 80;

  /**
   * Derives the abilities from the conventions of the environment: {@code TERM}, {@code NO_COLOR},
   * {@code COLUMNS} and the locale.
   *
   * @param terminal whether {@code out} ends at a terminal
   * @param environment environment variables of the process
   */
  public static Terminal of(PrintStream out, boolean terminal, Map<String, String> environment) {
    boolean dumb = environment.getOrDefault("TERM", "dumb").equals("dumb");
    boolean plain = !environment.getOrDefault("NO_COLOR", "").isEmpty();
    int columns = columns(environment.getOrDefault("COLUMNS", ""));
    return new Terminal(
        out,
        terminal && !dumb,
        terminal && !dumb && !plain,
        speaksUtf8(environment),
        () -> columns);
  }

  private static int columns(String text) {
    return text.matches("[1-9][0-9]{0,4}") ? Integer.parseInt(text) : USUAL_COLUMNS;
  }

  /** The first of these variables that is set decides, as in POSIX. */
  private static boolean speaksUtf8(Map<String, String> environment) {
    Optional<String> locale =
        Stream.of("LC_ALL", "LC_CTYPE", "LANG")
            .map(name -> environment.getOrDefault(name, ""))
            .filter(value -> !value.isEmpty())
            .findFirst();
    return locale
        .map(name -> name.toUpperCase(Locale.ROOT).replace("-", ""))
        .filter(name -> name.contains("UTF8"))
        .isPresent();
  }
}
