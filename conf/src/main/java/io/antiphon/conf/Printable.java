package io.antiphon.conf;

/**
 * Text from a file, an argument or another process, made fit for a terminal and a log.
 *
 * <p>A control character could move the cursor, recolour the screen or forge a line of the log; a
 * character that only changes the direction of writing could make a line read otherwise than it is;
 * a megabyte of text would push everything else off the screen.
 */
public final class Printable {
  /** Characters of one value that a message shows. */
  public static final int VALUE_CHARS = 160;

  private static final int LINE_CHARS = 2_000;
  private static final int LINES = 400;
  private static final char REPLACEMENT = '?';
  private static final String CUT = "...";

  private Printable() {}

  /** A value in single quotes: one line of at most {@value #VALUE_CHARS} characters. */
  public static String of(String text) {
    return "'" + value(text) + "'";
  }

  /** Does what {@link #of} does, without the quotes. */
  public static String value(String text) {
    return cut(text, VALUE_CHARS);
  }

  /** One line of at most 2,000 characters, such as a path. */
  public static String line(String text) {
    return cut(text, LINE_CHARS);
  }

  /**
   * A message: its lines stay lines, each of at most 2,000 characters, and no more than 400 of
   * them. Tabs stay too.
   */
  public static String message(String text) {
    StringBuilder printable = new StringBuilder(Math.min(text.length(), LINE_CHARS) + CUT.length());
    int start = 0;
    for (int lines = 0; start <= text.length(); lines++) {
      if (lines == LINES) {
        return printable.append('\n').append(CUT).toString();
      }
      int feed = text.indexOf('\n', start);
      int end = feed < 0 ? text.length() : feed;
      int visible = end > start && text.charAt(end - 1) == '\r' ? end - 1 : end;
      if (lines > 0) {
        printable.append('\n');
      }
      append(printable, text, start, visible, LINE_CHARS);
      start = end + 1;
    }
    return printable.toString();
  }

  /** A text of any length: line breaks and tabs stay, other control characters become "?". */
  public static String text(String text) {
    StringBuilder printable = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      printable.append(Character.isISOControl(c) && c != '\n' && c != '\t' ? REPLACEMENT : c);
    }
    return printable.toString();
  }

  /** One line of at most {@code limit} characters, and "..." if there were more. */
  public static String cut(String text, int limit) {
    StringBuilder printable = new StringBuilder(Math.min(text.length(), limit) + CUT.length());
    append(printable, text, 0, text.length(), limit);
    for (int i = 0; i < printable.length(); i++) {
      if (printable.charAt(i) == '\t') {
        printable.setCharAt(i, REPLACEMENT);
      }
    }
    return printable.toString();
  }

  private static void append(StringBuilder to, String text, int start, int end, int limit) {
    int at = start;
    while (at < end && at - start < limit) {
      int c = text.codePointAt(at);
      if (isPrintable(c)) {
        to.appendCodePoint(c);
      } else {
        to.append(REPLACEMENT);
      }
      at += Character.charCount(c);
    }
    if (at < end) {
      to.append(CUT);
    }
  }

  private static boolean isPrintable(int c) {
    return c == '\t'
        || switch (Character.getType(c)) {
          case Character.CONTROL,
              Character.FORMAT,
              Character.SURROGATE,
              Character.LINE_SEPARATOR,
              Character.PARAGRAPH_SEPARATOR ->
              false;
          default -> true;
        };
  }
}
