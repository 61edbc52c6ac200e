package io.antiphon.data.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * One token per UTF-8 byte, and 256 for the end of a text: works for any language, needs no file.
 */
public final class ByteTokenizer implements Tokenizer {
  private static final int BYTES = 256;

  @Override
  public int vocabulary() {
    return BYTES + 1;
  }

  @Override
  public int endOfText() {
    return BYTES;
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
      if (token < 0 || token > BYTES) {
        throw new IllegalArgumentException("token " + token + " is not in [0, " + BYTES + "]");
      }
      if (token != BYTES) {
        bytes.write(token);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {}
}
