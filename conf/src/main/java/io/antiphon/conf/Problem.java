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

  /** The problem as three lines for a terminal, without a line break at the end. */
  @Override
  public String toString() {
    return heading() + "\n    " + limit + "\n    -> " + remedy;
  }

  private String heading() {
    String place = line > 0 ? file + ":" + line : file;
    if (key.isEmpty() || file.equals(OVERRIDE + key + "=" + value)) {
      return place;
    }
    return place + ": " + (value.isEmpty() ? key : key + " = " + value);
  }
}
