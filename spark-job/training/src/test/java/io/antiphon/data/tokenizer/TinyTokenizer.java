package io.antiphon.data.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A byte-pair tokenizer of eight tokens in the file format of the Hugging Face library. */
public final class TinyTokenizer {
  private TinyTokenizer() {}

  public static Path write(Path directory, String endOfText) throws IOException {
    String json =
        """
        {
          "version": "1.0",
          "truncation": null,
          "padding": null,
          "added_tokens": [
            {"id": 7, "content": "END", "single_word": false, "lstrip": false, "rstrip": false,
             "normalized": false, "special": true}
          ],
          "normalizer": null,
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": true},
          "post_processor": null,
          "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": true},
          "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "vocab": {"a": 0, "b": 1, "c": 2, "\u0120": 3, "ab": 4, "abc": 5, "\u0120ab": 6},
            "merges": ["a b", "ab c", "\u0120 ab"]
          }
        }
        """;
    Path file = directory.resolve("tokenizer.json");
    Files.writeString(file, json.replace("END", endOfText));
    return file;
  }
}
