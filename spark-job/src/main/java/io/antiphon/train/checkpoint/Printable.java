package io.antiphon.train.checkpoint;

/** Text from an untrusted file, made fit for a message: short and without control characters. */
final class Printable {
  private static final int LIMIT = 160;

  private Printable() {}

  static String of(String text) {
    StringBuilder printable = new StringBuilder(Math.min(text.length(), LIMIT) + 2).append('\'');
    for (int i = 0; i < Math.min(text.length(), LIMIT); i++) {
      char c = text.charAt(i);
      printable.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
    }
    return printable.append(text.length() > LIMIT ? "...'" : "'").toString();
  }
}
