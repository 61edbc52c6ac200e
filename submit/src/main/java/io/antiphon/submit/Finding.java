package io.antiphon.submit;

import java.util.Locale;

/**
 * What {@code doctor} found out about one thing.
 *
 * @param name of the thing
 * @param found what is there, in a line
 * @param remedy what to do; empty if nothing needs doing
 */
record Finding(String name, Status status, String found, String remedy) {

  /** What it means. */
  enum Status {
    /** It works. */
    OK("ok"),
    /** It is not there, and nothing needs it. */
    SKIP("-"),
    /** It could be better, and training does without. */
    WARN("warn"),
    /** Training does not work like this. */
    FAIL("FAIL");

    private final String mark;

    Status(String mark) {
      this.mark = mark;
    }
  }

  static Finding ok(String name, String found) {
    return new Finding(name, Status.OK, found, "");
  }

  static Finding skip(String name, String found) {
    return new Finding(name, Status.SKIP, found, "");
  }

  static Finding warn(String name, String found, String remedy) {
    return new Finding(name, Status.WARN, found, remedy);
  }

  static Finding fail(String name, String found, String remedy) {
    return new Finding(name, Status.FAIL, found, remedy);
  }

  boolean failed() {
    return status == Status.FAIL;
  }

  /** One or two lines for a terminal, without a line break at the end. */
  String text() {
    String line = String.format(Locale.ROOT, "%-4s %-14s %s", status.mark, name, found);
    return remedy.isEmpty() ? line : line + "\n" + " ".repeat(20) + "-> " + remedy;
  }

  JsonLine json() {
    JsonLine line = new JsonLine();
    line.text("name", name);
    line.text("status", status.name().toLowerCase(Locale.ROOT));
    line.text("found", found);
    line.text("remedy", remedy);
    return line;
  }
}
