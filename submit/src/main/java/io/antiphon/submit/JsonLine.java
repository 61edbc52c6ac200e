package io.antiphon.submit;

import java.util.List;

/** One JSON object on one line, member by member. */
final class JsonLine {
  private final StringBuilder line = new StringBuilder("{");

  void text(String name, String value) {
    name(name).append(quoted(value));
  }

  void whole(String name, long value) {
    name(name).append(value);
  }

  /**
   * Writes the shortest form that reads back as the same value; {@code null} if it is not finite.
   */
  void number(String name, double value) {
    name(name).append(Double.isFinite(value) ? Double.toString(value) : "null");
  }

  void flag(String name, boolean value) {
    name(name).append(value);
  }

  void objects(String name, List<JsonLine> values) {
    name(name).append('[');
    line.append(String.join(", ", values.stream().map(JsonLine::end).toList())).append(']');
  }

  /** The whole object. */
  String end() {
    return line + "}";
  }

  private StringBuilder name(String name) {
    return line.append(line.length() == 1 ? "" : ", ").append(quoted(name)).append(": ");
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ' || c == '\u2028' || c == '\u2029') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
