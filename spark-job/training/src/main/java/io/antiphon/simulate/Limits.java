package io.antiphon.simulate;

import java.util.Locale;

/** Checks of what a user asks for; messages name value, limit and remedy. */
final class Limits {
  private Limits() {}

  /** Requires an option to lie in {@code [least, most]}. */
  static void require(String option, long value, long least, long most) {
    if (value < least || value > most) {
      throw bad(
          "%s must be in [%d, %d], was %d. Choose a value in that range.",
          option, least, most, value);
    }
  }

  @SuppressWarnings("AnnotateFormatMethod") // the annotation is a library's
  static OptionException bad(String message, Object... values) {
    return new OptionException(String.format(Locale.ROOT, message, values));
  }
}
