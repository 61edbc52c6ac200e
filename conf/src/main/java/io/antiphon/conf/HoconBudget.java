package io.antiphon.conf;

import java.util.Optional;

/**
 * What settings, with all that they include, may ask of the HOCON library. Its time grows with the
 * square of some of these and its stack with others, so they are counted before it sees the text.
 * Every limit is far above what the settings of a run need.
 */
final class HoconBudget {
  /** Characters of one text that a user writes. */
  static final int TEXT_CHARS = 1 << 18;

  /** Characters of effective settings, which hold every key, and every substitution's value. */
  static final int KEPT_CHARS = 1 << 22;

  private static final int ALL_CHARS = 1 << 20;
  private static final int INCLUDES = 64;
  private static final int DEPTH = 64;
  private static final int PATH_DOTS = 200;
  private static final int ASSIGNMENTS = 2_000;
  private static final int KEPT_ASSIGNMENTS = 4_000;
  private static final int BRACKETS = 2_000;
  private static final int APPENDS = 50;
  private static final int SUBSTITUTIONS = 200;
  private static final int WORDS = 20_000;

  private final int mostCharsOfText;
  private final int mostChars;
  private final int mostAssignments;
  private long chars;
  private int includes;
  private int assignments;
  private int brackets;
  private int appends;
  private int substitutions;
  private int words;

  private HoconBudget(int mostCharsOfText, int mostChars, int mostAssignments) {
    this.mostCharsOfText = mostCharsOfText;
    this.mostChars = mostChars;
    this.mostAssignments = mostAssignments;
  }

  /** The budget of a text that a user writes. */
  static HoconBudget written() {
    return new HoconBudget(TEXT_CHARS, ALL_CHARS, ASSIGNMENTS);
  }

  /** The budget of effective settings, which must be readable whatever a user could write. */
  static HoconBudget kept() {
    return new HoconBudget(KEPT_CHARS, KEPT_CHARS, KEPT_ASSIGNMENTS);
  }

  /**
   * A limit that was passed.
   *
   * @param line where, from 1; 0 for the whole text
   * @param limit in words
   */
  record Excess(int line, String limit) {}

  /** Counts an include; false if there have been too many. */
  boolean include() {
    includes++;
    return includes <= INCLUDES;
  }

  /** Whether this was the first include too many. */
  boolean isFirstExcess() {
    return includes == INCLUDES + 1;
  }

  /** The limit for a message. */
  static String includesLimit() {
    return "settings may have " + INCLUDES + " includes, each time one is read counted";
  }

  /** Counts a text; returns the first limit that it passes. */
  Optional<Excess> spend(String text) {
    chars += text.length();
    if (text.length() > mostCharsOfText || chars > mostChars) {
      return Optional.of(
          new Excess(
              0,
              "must be a text of settings, of at most %d KiB, and %d KiB with all it includes"
                  .formatted(mostCharsOfText >> 10, mostChars >> 10)));
    }
    return new Scan(text).run();
  }

  /** One pass over a text that tells quoted text and comments from the rest. */
  private final class Scan {
    private final String text;
    private int at;
    private int line = 1;
    private int depth;
    private int dots;
    private boolean inWord;

    Scan(String text) {
      this.text = text;
    }

    Optional<Excess> run() {
      while (at < text.length()) {
        char c = text.charAt(at);
        if (c == '"') {
          skipQuoted();
        } else if (c == '#' || text.startsWith("//", at)) {
          at = endOfLine();
        } else {
          count(c);
          at++;
        }
        String limit = passed();
        if (!limit.isEmpty()) {
          return Optional.of(new Excess(line, limit));
        }
      }
      return Optional.empty();
    }

    private void count(char c) {
      boolean letter = !Character.isWhitespace(c) && "{}[],=:+".indexOf(c) < 0;
      if (letter && !inWord) {
        words++;
      }
      inWord = letter;
      switch (c) {
        case '\n' -> {
          line++;
          dots = 0;
        }
        case '{' -> {
          depth++;
          brackets++;
          substitutions += at > 0 && text.charAt(at - 1) == '$' ? 1 : 0;
        }
        case '[' -> {
          depth++;
          brackets++;
        }
        case '}', ']' -> depth = Math.max(0, depth - 1);
        case '.' -> dots++;
        case '=', ':' -> {
          assignments++;
          appends += at > 0 && text.charAt(at - 1) == '+' ? 1 : 0;
        }
        default -> {}
      }
    }

    private String passed() {
      if (depth > DEPTH) {
        return "groups and lists may be nested " + DEPTH + " deep";
      }
      if (dots > PATH_DOTS) {
        return "a line may have " + PATH_DOTS + " dots outside of quotes";
      }
      if (assignments > mostAssignments) {
        return "settings may assign " + mostAssignments + " values";
      }
      if (brackets > BRACKETS) {
        return "settings may open " + BRACKETS + " braces and brackets";
      }
      if (appends > APPENDS) {
        return "settings may use += " + APPENDS + " times";
      }
      if (substitutions > SUBSTITUTIONS) {
        return "settings may have " + SUBSTITUTIONS + " substitutions ${...}";
      }
      return words > WORDS ? "settings may have " + WORDS + " words" : "";
    }

    private void skipQuoted() {
      words++;
      inWord = false;
      if (text.startsWith("\"\"\"", at)) {
        int end = text.indexOf("\"\"\"", at + 3);
        int next = end < 0 ? text.length() : end + 3;
        for (; at < next; at++) {
          line += text.charAt(at) == '\n' ? 1 : 0;
        }
        return;
      }
      at++;
      while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\n') {
        at += text.charAt(at) == '\\' ? 2 : 1;
      }
      if (at < text.length() && text.charAt(at) == '"') {
        at++; // a line that ends within quotes is for the library to refuse
      }
    }

    private int endOfLine() {
      int feed = text.indexOf('\n', at);
      return feed < 0 ? text.length() : feed;
    }
  }
}
