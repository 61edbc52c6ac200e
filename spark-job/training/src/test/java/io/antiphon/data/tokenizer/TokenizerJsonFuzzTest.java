package io.antiphon.data.tokenizer;

import io.antiphon.data.DataException;
import io.antiphon.fuzz.Fuzz;
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
}
