package io.antiphon.data.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.antiphon.data.DataException;
import io.antiphon.data.NearestName;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a {@code tokenizer.json} says about its ids, which the native library does not tell. */
final class TokenizerJson {
  /** Tokens that end a document in well-known tokenizers, the most specific first. */
  static final List<String> KNOWN_ENDS =
      List.of("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]");

  private final String path;
  private final Map<String, Integer> ids;
  private final int vocabulary;

  private TokenizerJson(String path, Map<String, Integer> ids, int vocabulary) {
    this.path = path;
    this.ids = ids;
    this.vocabulary = vocabulary;
  }

  static TokenizerJson parse(String path, String json) {
    JsonNode root;
    try {
      root = new ObjectMapper().readTree(json);
    } catch (JsonProcessingException failure) {
      throw broken(path, "no valid JSON, " + failure.getOriginalMessage());
    }
    JsonNode words = root.path("model").path("vocab");
    if (!words.isContainerNode()) {
      throw broken(path, "it has no model.vocab");
    }
    Map<String, Integer> ids = new HashMap<>();
    if (words.isObject()) { // BPE, WordPiece, WordLevel: text to id
      words.properties().forEach(word -> ids.put(word.getKey(), word.getValue().asInt(-1)));
    } else { // Unigram: [text, score] in the order of ids
      for (JsonNode word : words) {
        ids.put(word.path(0).asText(), ids.size());
      }
    }
    for (JsonNode added : root.path("added_tokens")) {
      ids.put(added.path("content").asText(), added.path("id").asInt(-1));
    }
    int largest = -1;
    for (Map.Entry<String, Integer> word : ids.entrySet()) {
      int id = word.getValue();
      if (id < 0 || id >= Tokenizer.MAX_VOCABULARY) {
        throw broken(path, "token '" + word.getKey() + "' has no usable id");
      }
      largest = Math.max(largest, id);
    }
    if (largest < 0) {
      throw broken(path, "its vocabulary is empty");
    }
    return new TokenizerJson(path, ids, largest + 1);
  }

  int vocabulary() {
    return vocabulary;
  }

  int endOfText(Optional<String> wanted) {
    if (wanted.isPresent()) {
      Integer id = ids.get(wanted.get());
      if (id == null) {
        throw new DataException(
            "data.end-of-text: "
                + path
                + " has no token '"
                + wanted.get()
                + "'"
                + NearestName.hint(wanted.get(), ids.keySet()));
      }
      return id;
    }
    for (String known : KNOWN_ENDS) {
      Integer id = ids.get(known);
      if (id != null) {
        return id;
      }
    }
    throw new DataException(
        "data.tokenizer: "
            + path
            + " has none of the usual end-of-text tokens "
            + String.join(" ", KNOWN_ENDS)
            + "; name its own in data.end-of-text");
  }

  private static DataException broken(String path, String why) {
    return new DataException(
        "data.tokenizer: "
            + path
            + " is not a usable tokenizer.json: "
            + why
            + ". Give a file saved by the Hugging Face tokenizers library, or \"bytes\"");
  }
}
