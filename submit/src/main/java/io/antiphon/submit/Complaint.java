package io.antiphon.submit;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A message about a device, taken apart.
 *
 * @param wrong what is
 * @param remedy what to do; empty if the message does not say
 */
record Complaint(String wrong, String remedy) {
  /** The last sentence that tells somebody to do something. */
  private static final Pattern REMEDY =
      Pattern.compile(
          "\\. (?=(?:Install|Use another|Lower) )(?!.*\\. (?:Install|Use another|Lower) )");

  static Complaint of(String message) {
    Matcher matcher = REMEDY.matcher(message);
    if (!matcher.find()) {
      return new Complaint(message, "");
    }
    String remedy = message.substring(matcher.end());
    return new Complaint(
        message.substring(0, matcher.start()),
        remedy.substring(0, 1).toLowerCase(Locale.ROOT) + remedy.substring(1));
  }

  /** The complaint without the places that were searched. */
  String firstSentence() {
    return wrong.split("\\. ", 2)[0];
  }

  String remedyOr(String other) {
    return remedy.isEmpty() ? other : remedy;
  }
}
