package io.antiphon.monitor;

import java.time.Duration;
import java.util.Locale;

/** Numbers as people read them in a terminal. */
final class Figures {

  private Figures() {}

  /** Four significant digits at most: {@code 950}, {@code 12.3k}, {@code 1.24M}. */
  static String compact(double value) {
    if (!Double.isFinite(value)) {
      return "-";
    }
    double magnitude = Math.abs(value);
    if (magnitude < 999.5) {
      return format("%.0f", value);
    }
    if (magnitude < 999_500) {
      return format(magnitude < 99_950 ? "%.1fk" : "%.0fk", value / 1e3);
    }
    return format(magnitude < 99_950_000 ? "%.2fM" : "%.0fM", value / 1e6);
  }

  /** {@code 4.2s}, {@code 1m05s}, {@code 3h07m}, {@code 2d04h}. */
  static String duration(Duration duration) {
    long seconds = Math.max(0, duration.toSeconds());
    if (seconds < 10) {
      return format("%.1fs", Math.max(0, duration.toMillis()) / 1e3);
    }
    if (seconds < 60) {
      return seconds + "s";
    }
    if (seconds < 3600) {
      return format("%dm%02ds", seconds / 60, seconds % 60);
    }
    if (seconds < 86_400) {
      return format("%dh%02dm", seconds / 3600, seconds % 3600 / 60);
    }
    return format("%dd%02dh", seconds / 86_400, seconds % 86_400 / 3600);
  }

  static Duration seconds(double seconds) {
    return Duration.ofMillis(Math.round(1000 * seconds));
  }

  /** The text without control characters: a message must not move the cursor. */
  static String oneLine(String text) {
    return text.replaceAll("\\p{Cc}+", " ").strip();
  }

  static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
