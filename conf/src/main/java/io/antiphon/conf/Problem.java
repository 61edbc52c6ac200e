package io.antiphon.conf;

import java.io.Serializable;

/**
 * One thing that is wrong with a user's settings, and what to do about it.
 *
 * @param file where it was written: a file, "preset NAME" or "--set KEY=VALUE"
 * @param line line in that file, from 1; 0 if there is none to point at
 * @param key full key, such as {@code moe.top-k}; empty if the problem is the file's
 * @param value what was written, or "(missing)"; empty if the problem is the file's
 * @param limit what a value must be
 * @param remedy what to change
 */
public record Problem(String file, int line, String key, String value, String limit, String remedy)
    implements Serializable {

  static final String OVERRIDE = "--set ";

  /**
   * The problem as three lines for a terminal, without a line break at the end; long values are cut
   * and control characters shown as "?".
   */
  @Override
  public String toString() {
    return Printable.message(heading() + "\n    " + limit + "\n    -> " + remedy);
  }

  private String heading() {
    String shownKey = Printable.value(key);
    String shownValue = Printable.value(value);
    if (file.equals(OVERRIDE + key + "=" + value)) {
      return OVERRIDE + shownKey + "=" + shownValue;
    }
    String shownFile = Printable.line(file);
    String place = line > 0 ? shownFile + ":" + line : shownFile;
    if (key.isEmpty()) {
      return place;
    }
    return place + ": " + (value.isEmpty() ? shownKey : shownKey + " = " + shownValue);
  }
}
