package io.antiphon.monitor;

/** How a run shows its progress to the one who waits for it. */
public enum ProgressStyle {
  /** A bar on a terminal that can redraw a line, lines otherwise. */
  AUTO,
  /** One line that is redrawn with every step. */
  BAR,
  /** A new line every few steps. */
  LINES,
  /** Nothing is shown. */
  NONE
}
