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
    OK,
    /** It is missing or could be better, and training on the CPU does without. */
    NOTE,
    /** Training on the CPU does not work like this. */
    BAD
  }

  static Finding ok(String name, String found) {
    return new Finding(name, Status.OK, found, "");
  }

  static Finding note(String name, String found, String remedy) {
    return new Finding(name, Status.NOTE, found, remedy);
  }

  static Finding bad(String name, String found, String remedy) {
    return new Finding(name, Status.BAD, found, remedy);
  }

  /** One or two lines for a terminal, without a line break at the end. */
  String text() {
    String mark = status == Status.OK ? "ok" : status == Status.NOTE ? "-" : "BAD";
    String line = String.format(Locale.ROOT, "%-4s %-14s %s", mark, name, found);
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
