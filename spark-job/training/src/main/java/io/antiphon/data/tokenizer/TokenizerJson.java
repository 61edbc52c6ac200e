package io.antiphon.data.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.antiphon.data.DataException;
import io.antiphon.data.Reasons;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a {@code tokenizer.json} says about its tokens, which the native library does not tell.
 *
 * @param path where it was read, for messages
 * @param root its whole content
 * @param ids of the texts of all tokens, as the library gives them
 * @param vocabulary one more than the largest id
 * @param specials texts of the added tokens that are special, in the order of the file
 */
record TokenizerJson(
    String path, ObjectNode root, Map<String, Integer> ids, int vocabulary, Set<String> specials) {

  /** Longest text of a token: the library's tree of words takes 64 bytes of stack per byte. */
  static final int MAX_WORD_BYTES = 4096;

  private static final Logger LOG = LoggerFactory.getLogger(TokenizerJson.class);
  private static final int MAX_DEPTH = 100; // the library's own reader gives up at 128
  private static final String LFS_POINTER = "version https://git-lfs.github.com/spec/";
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNameLength(Integer.MAX_VALUE)
                          .maxStringLength(Integer.MAX_VALUE)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /**
   * Reads a file, and refuses what the library cannot be given.
   *
   * @throws DataException if it is no {@code tokenizer.json}, or has texts that crash the library
   */
  static TokenizerJson parse(String path, byte[] file) {
    ObjectNode root = read(path, text(path, file));
    requireCharacters(path, "its top level", root);
    JsonNode words = root.path("model").path("vocab");
    if (!words.isContainerNode()) {
      throw broken(path, "it has no model.vocab");
    }
    Map<String, Integer> ids = new HashMap<>();
    int largest = -1;
    if (words.isObject()) { // BPE, WordPiece, WordLevel: text to id
      for (Map.Entry<String, JsonNode> word : words.properties()) {
        largest = Math.max(largest, put(path, ids, word.getKey(), word.getValue().asInt(-1)));
      }
    } else { // Unigram: [text, score] in the order of ids; the last of equal texts counts
      for (JsonNode word : words) {
        largest = put(path, ids, word.path(0).asText(), largest + 1);
      }
    }
    // What the library does: a known text keeps its id, others follow in the order of the file.
    int next = words.isObject() ? ids.size() : words.size();
    Set<String> specials = new LinkedHashSet<>();
    for (JsonNode added : root.path("added_tokens")) {
      String content = added.path("content").asText();
      if (content.isEmpty()) {
        continue;
      }
      Integer known = ids.get(content);
      int id = known == null ? put(path, ids, content, next++) : known;
      largest = Math.max(largest, id);
      if (added.path("id").asInt(-1) != id) {
        LOG.warn(
            "{} says that token '{}' has id {}; the tokenizers library, and so the model, gives it"
                + " {}",
            path,
            shown(content),
            shown(added.path("id").asText()),
            id);
      }
      if (added.path("special").asBoolean()) {
        specials.add(content);
      }
    }
    if (largest < 0) {
      throw broken(path, "its vocabulary is empty");
    }
    return new TokenizerJson(path, root, ids, largest + 1, specials);
  }

  /** Id of a token that the file has. */
  int id(String token) {
    return Objects.requireNonNull(ids.get(token), token);
  }

  /** The content, to be read by the library. */
  String json() {
    try {
      return MAPPER.writeValueAsString(root);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static DataException broken(String path, String why) {
    return new DataException(
        "data.tokenizer: "
            + path
            + " is not a usable tokenizer.json: "
            + why
            + ". Give a file saved by the Hugging Face tokenizers library, or \"bytes\"");
  }

  /** A text of the file, fit for a message: short and without control characters. */
  static String shown(String text) {
    String cut = text.length() > 60 ? text.substring(0, 60) + "..." : text;
    return cut.replaceAll("[\\p{Cc}\\p{Cs}]", "?");
  }

  private static String text(String path, byte[] file) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(file)).toString();
    } catch (CharacterCodingException other) {
      throw broken(path, "it is not UTF-8 text");
    }
    if (text.startsWith(LFS_POINTER)) {
      throw broken(
          path,
          "it is a Git LFS pointer, which stands for the file; fetch the file itself with 'git lfs"
              + " pull'");
    }
    return text.startsWith("\ufeff") ? text.substring(1) : text; // a byte order mark
  }

  private static ObjectNode read(String path, String text) {
    JsonNode root;
    try {
      root = MAPPER.readTree(text);
    } catch (StreamConstraintsException limit) {
      throw broken(path, "it nests deeper than " + MAX_DEPTH + " levels");
    } catch (JsonProcessingException failure) {
      throw broken(
          path,
          "no valid JSON, "
              + shown(Reasons.of(new IllegalArgumentException(failure.getOriginalMessage()))));
    }
    if (root instanceof ObjectNode object) {
      return object;
    }
    throw broken(path, "it is not a JSON object");
  }

  /** Half a surrogate pair, which JSON can write, is no text: the library aborts on it. */
  private static void requireCharacters(String path, String where, JsonNode node) {
    if (node.isTextual() && !isText(node.textValue())) {
      throw noText(path, where);
    }
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> member : node.properties()) {
        if (!isText(member.getKey())) {
          throw noText(path, where);
        }
        requireCharacters(path, "'" + shown(member.getKey()) + "'", member.getValue());
      }
    } else if (node.isArray()) {
      for (JsonNode element : node) {
        requireCharacters(path, where, element);
      }
    }
  }

  private static DataException noText(String path, String where) {
    return broken(
        path, "a text in " + where + " has half of a surrogate pair, which is no character");
  }

  private static boolean isText(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        int point = text.codePointAt(i);
        if (point <= Character.MAX_VALUE) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  private static int put(String path, Map<String, Integer> ids, String word, int id) {
    if (id < 0 || id >= Tokenizer.MAX_VOCABULARY) {
      throw broken(path, "token '" + shown(word) + "' has no usable id");
    }
    if (word.length() > MAX_WORD_BYTES / 4
        && word.getBytes(StandardCharsets.UTF_8).length > MAX_WORD_BYTES) {
      throw broken(
          path,
          "token %d, '%s', has more than %d bytes".formatted(id, shown(word), MAX_WORD_BYTES));
    }
    ids.put(word, id);
    return id;
  }
}
