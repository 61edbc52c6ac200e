package io.antiphon.data.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * One token per UTF-8 byte, and 256 for the end of a text: works for any language, needs no file.
 */
public final class ByteTokenizer implements Tokenizer {
  static final int VOCABULARY = 257;
  static final int END_OF_TEXT = 256;

  @Override
  public int vocabulary() {
    return VOCABULARY;
  }

  @Override
  public int endOfText() {
    return END_OF_TEXT;
  }

  @Override
  public int[] encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return tokens;
  }

  @Override
  public String decode(int[] tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(tokens.length);
    for (int token : tokens) {
      if (token < 0 || token > END_OF_TEXT) {
        throw new IllegalArgumentException(
            "token " + token + " is not in [0, " + END_OF_TEXT + "]");
      }
      if (token != END_OF_TEXT) {
        bytes.write(token);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {}
}
