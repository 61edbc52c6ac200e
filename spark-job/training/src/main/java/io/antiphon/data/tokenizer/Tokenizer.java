package io.antiphon.data.tokenizer;

/**
 * Text to token ids and back. Opened from a {@link TokenizerDescription}; belongs to one thread, as
 * a native tokenizer may keep state.
 */
public sealed interface Tokenizer extends AutoCloseable
    permits ByteTokenizer, HuggingFaceTokenizerFile {

  /** Largest vocabulary that is taken; readers of token stores reserve memory for it. */
  int MAX_VOCABULARY = 1 << 22;

  /** Ids are in {@code [0, vocabulary)}. */
  int vocabulary();

  /** Id that ends a document; {@link #encode} adds none. */
  int endOfText();

  /** Token ids of a text, without any special token around it. */
  int[] encode(String text);

  /**
   * Text of some tokens; special tokens are left out, and bytes that are no UTF-8 (a cut character,
   * say) become the replacement character.
   *
   * @throws IllegalArgumentException if a token is not in {@code [0, vocabulary)}
   */
  String decode(int[] tokens);

  @Override
  void close();
}
