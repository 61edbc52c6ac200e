package io.antiphon.monitor;

/** A horizontal bar of characters. */
final class Bar {

  private static final String FILLED_COLOR = "\u001b[36m";
  private static final String REST_COLOR = "\u001b[2m";
  private static final String NO_COLOR = "\u001b[0m";

  private Bar() {}

  /** The bar, {@code width} characters wide, filled as far as {@code done} is of {@code total}. */
  static String draw(Terminal terminal, int width, long done, long total) {
    int filled = (int) (width * Math.min(done, total) / total);
    String full = (terminal.unicode() ? "\u2501" : "=").repeat(filled);
    String rest = (terminal.unicode() ? "\u2500" : "-").repeat(width - filled);
    return terminal.escapes() ? FILLED_COLOR + full + REST_COLOR + rest + NO_COLOR : full + rest;
  }
}
