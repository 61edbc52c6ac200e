package io.antiphon.monitor;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A terminal that keeps what was written to it. */
record TestTerminal(Terminal terminal, ByteArrayOutputStream bytes) {

  /** No terminal at all: a file, a pipe. */
  static TestTerminal plain() {
    return of(false, false, false, 80);
  }

  static TestTerminal of(boolean redraws, boolean escapes, boolean unicode, int columns) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    return new TestTerminal(new Terminal(out, redraws, escapes, unicode, () -> columns), bytes);
  }

  String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /** What the screen shows in the end: carriage returns and erasures done, colours dropped. */
  List<String> screen() {
    List<String> screen = new ArrayList<>();
    for (String line : text().split("\n", -1)) {
      StringBuilder cells = new StringBuilder();
      int column = 0;
      for (int i = 0; i < line.length(); i++) {
        char character = line.charAt(i);
        if (character == '\r') {
          column = 0;
        } else if (character == '\u001b') {
          int end = i + 1;
          while (!Character.isLetter(line.charAt(end))) {
            end++;
          }
          if (line.charAt(end) == 'K') {
            cells.setLength(column);
          }
          i = end;
        } else {
          if (column == cells.length()) {
            cells.append(character);
          } else {
            cells.setCharAt(column, character);
          }
          column++;
        }
      }
      screen.add(cells.toString().stripTrailing());
    }
    return screen;
  }
}
