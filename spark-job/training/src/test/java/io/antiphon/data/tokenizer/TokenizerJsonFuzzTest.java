package io.antiphon.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import io.antiphon.fuzz.Fuzz;
import java.util.Base64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Our own check of the file alone: what passes it may still be refused by the library. */
@Tag("fuzz")
class TokenizerJsonFuzzTest {
  private static final String WORDS =
      """
      {"version": "1.0", "added_tokens": [{"id": 2, "content": "</s>", "special": true}],
       "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "dropout": null,
       "vocab": {"a": 0, "b": 1, "</s>": 2}, "merges": ["a b"]}}
      """;

  private static final String UNIGRAM =
      """
      {"added_tokens": [], "model": {"type": "Unigram", "unk_id": 0,
       "vocab": [["<unk>", 0.0], ["a", -1.5]]}}
      """;

  @Test
  void tokenizerFilesAreReadOrRefused() {
    Fuzz.of("tokenizer.json", DataException.class)
        .from(WORDS, UNIGRAM)
        .words(
            "\"vocab\":",
            "\"model\":",
            "\"added_tokens\":",
            "\"id\":",
            "\"content\":",
            "\"special\":")
        .run(input -> TokenizerJson.parse("tokenizer.json", input));
  }

  /** U+0090 is a control character, though not one of ASCII. */
  @Test
  void aMessageHoldsNoControlCharacterOfTheFile() {
    byte[] found = Base64.getDecoder().decode("eyIiOltdLCIiOnsiIjpbIiIsRcKQ");
    assertThatThrownBy(() -> TokenizerJson.parse("tokenizer.json", found))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("Unrecognized token 'E?'");
  }
}
