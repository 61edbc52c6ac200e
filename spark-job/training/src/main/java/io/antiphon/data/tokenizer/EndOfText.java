package io.antiphon.data.tokenizer;

import io.antiphon.data.DataException;
import io.antiphon.data.NearestName;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * The token of a {@code tokenizer.json} that ends a document; the file itself does not say.
 *
 * @param text of the token
 * @param id of the token
 */
record EndOfText(String text, int id) implements Serializable {
  /** Special tokens that end a document in well-known tokenizers. */
  static final List<String> KNOWN =
      List.of("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]");

  private static final int MAX_SHOWN = 8;

  /**
   * The wanted one, or the only known one that is special: a word that reads like one, such as an
   * HTML tag, is none.
   *
   * @throws DataException if there is none, or more than one
   */
  static EndOfText of(TokenizerJson json, Optional<String> wanted) {
    if (wanted.isPresent()) {
      if (!json.ids().containsKey(wanted.get())) {
        throw new DataException(
            "data.end-of-text: "
                + json.path()
                + " has no token '"
                + wanted.get()
                + "'"
                + NearestName.hint(wanted.get(), json.ids().keySet()));
      }
      return new EndOfText(wanted.get(), json.id(wanted.get()));
    }
    List<String> special = KNOWN.stream().filter(json.specials()::contains).toList();
    if (special.size() == 1) {
      return new EndOfText(special.get(0), json.id(special.get(0)));
    }
    throw new DataException(
        "data.end-of-text is missing: "
            + json.path()
            + why(json, special)
            + "; set data.end-of-text to the token that ends a document");
  }

  private static String why(TokenizerJson json, List<String> special) {
    if (special.size() > 1) {
      return " has more than one special token that may end a document: "
          + String.join(" ", special);
    }
    List<String> words = KNOWN.stream().filter(json.ids()::containsKey).toList();
    String has =
        words.isEmpty()
            ? " has none of the usual end-of-text tokens " + String.join(" ", KNOWN)
            : " has "
                + String.join(" ", words)
                + " as an ordinary token only, which may stand for text";
    List<String> others =
        json.specials().stream().limit(MAX_SHOWN).map(TokenizerJson::shown).toList();
    return has
        + (others.isEmpty()
            ? "; it has no special token"
            : "; its special tokens are "
                + String.join(" ", others)
                + (json.specials().size() > MAX_SHOWN ? " ..." : ""));
  }
}
