package io.antiphon.data.tokenizer;

import io.antiphon.data.DataException;
import io.antiphon.data.FileOpener;
import java.util.Optional;

/**
 * What a model must know of its tokenizer.
 *
 * @param size number of tokens
 * @param endOfText token that ends a document
 */
public record Vocabulary(int size, int endOfText) {
  /**
   * Reads the vocabulary of the tokenizer that a user named, without any text.
   *
   * @param tokenizer value of {@code data.tokenizer}
   * @param endOfText value of {@code data.end-of-text}
   * @param files opens its file
   * @throws DataException if it cannot be read
   */
  public static Vocabulary of(String tokenizer, Optional<String> endOfText, FileOpener files) {
    if (tokenizer.equals(TokenizerDescription.BYTES)) {
      return new Vocabulary(ByteTokenizer.VOCABULARY, ByteTokenizer.END_OF_TEXT);
    }
    TokenizerDescription read = TokenizerDescription.read(tokenizer, endOfText, false, files);
    return new Vocabulary(read.vocabulary(), read.endOfText());
  }
}
