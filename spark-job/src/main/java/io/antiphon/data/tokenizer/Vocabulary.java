package io.antiphon.data.tokenizer;

import io.antiphon.data.DataException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * What a model must know of its tokenizer.
 *
 * @param size number of tokens
 * @param endOfText token that ends a document
 */
public record Vocabulary(int size, int endOfText) {
  /**
   * That of the tokenizer a user named, without any text.
   *
   * @param tokenizer value of {@code data.tokenizer}
   * @param endOfText value of {@code data.end-of-text}
   * @throws DataException if it cannot be read
   */
  public static Vocabulary of(String tokenizer, Optional<String> endOfText) {
    if (tokenizer.equals(TokenizerDescription.BYTES)) { // also where Hadoop is not
      return new Vocabulary(ByteTokenizer.VOCABULARY, ByteTokenizer.END_OF_TEXT);
    }
    TokenizerDescription read =
        TokenizerDescription.read(tokenizer, endOfText, false, new Configuration());
    return new Vocabulary(read.vocabulary(), read.endOfText());
  }
}
