package io.antiphon.data.tokenizer;

import io.antiphon.data.DataException;
import java.util.Arrays;
import java.util.List;

/** The native library behind {@code tokenizer.json} files. */
public final class TokenizerLibrary {
  private static final String SMALLEST =
      """
      {"version": "1.0", "added_tokens": [],
       "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "b"}}
      """;

  private TokenizerLibrary() {}

  /**
   * Loads the library and encodes a word with it.
   *
   * @throws DataException if it does not work on this machine; the message says what to do
   */
  public static void check() {
    TokenizerDescription.TokenizerFile file =
        new TokenizerDescription.TokenizerFile(
            "check", SMALLEST, "", 2, new EndOfText("b", 1), List.of(), true);
    try (Tokenizer tokenizer = file.open()) {
      int[] tokens = tokenizer.encode("a");
      if (!Arrays.equals(tokens, new int[] {0})) {
        throw new DataException(
            "the native tokenizers library encodes a as " + Arrays.toString(tokens) + ", not [0]");
      }
    }
  }
}
