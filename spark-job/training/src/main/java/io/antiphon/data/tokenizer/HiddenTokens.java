package io.antiphon.data.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Changes a {@code tokenizer.json} so that no text is encoded as one of some tokens: they keep
 * their ids but get names that no text has, as the library finds them by name.
 *
 * <p>DJL's bindings lack the library's own switch, {@code encode_special_tokens}. That one also
 * leaves a model which knows the token as a word, as those of Unigram and WordLevel do, and would
 * give its id again; here such a word is renamed as well.
 */
final class HiddenTokens {
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-Fa-f]{2}>");

  private final Map<String, String> names = new LinkedHashMap<>();
  private final Set<String> kept = new HashSet<>();

  private HiddenTokens(JsonNode model, Set<String> tokens) {
    Set<String> words = words(model.path("vocab"), tokens);
    boolean fallback = model.path("byte_fallback").asBoolean();
    String secret = UUID.randomUUID().toString();
    for (String token : tokens) {
      boolean letter = token.codePointCount(0, token.length()) == 1;
      if (words.contains(token) && (letter || (fallback && BYTE.matcher(token).matches()))) {
        kept.add(token);
      } else {
        names.put(token, "antiphon-" + secret + "-" + names.size());
      }
    }
  }

  /**
   * Hides tokens in the tree. A single character that is a word of the model stays a word, since
   * text with it would be lost otherwise; so do the bytes that stand in for unknown characters.
   *
   * @return the texts that no longer give their token
   */
  static Set<String> hide(ObjectNode root, Set<String> tokens) {
    HiddenTokens hidden = new HiddenTokens(root.path("model"), tokens);
    hidden.inAddedTokens(root.path("added_tokens"));
    if (root.path("model") instanceof ObjectNode model) {
      hidden.inModel(model);
    }
    return hidden.names.keySet();
  }

  private static Set<String> words(JsonNode vocabulary, Set<String> tokens) {
    Set<String> words = new HashSet<>();
    if (vocabulary.isObject()) {
      tokens.stream().filter(vocabulary::has).forEach(words::add);
    } else {
      for (JsonNode piece : vocabulary) {
        String word = piece.path(0).asText();
        if (tokens.contains(word)) {
          words.add(word);
        }
      }
    }
    return words;
  }

  private void inAddedTokens(JsonNode addedTokens) {
    for (Iterator<JsonNode> all = addedTokens.iterator(); all.hasNext(); ) {
      if (all.next() instanceof ObjectNode token) {
        String content = token.path("content").asText();
        if (kept.contains(content)) {
          all.remove(); // the model gives its id, as for any other word
        } else if (names.containsKey(content)) {
          token.put("content", names.get(content));
          token.put("special", true); // left out when decoded
          token.put("normalized", false); // the name is not changed by a normalizer
          token.put("single_word", false);
          token.put("lstrip", false);
          token.put("rstrip", false);
        }
      }
    }
  }

  private void inModel(ObjectNode model) {
    boolean renamed = false;
    JsonNode vocabulary = model.path("vocab");
    if (vocabulary instanceof ObjectNode words) {
      for (Map.Entry<String, String> name : names.entrySet()) {
        JsonNode id = words.remove(name.getKey());
        if (id != null) {
          words.set(name.getValue(), id);
          renamed = true;
        }
      }
    } else {
      for (JsonNode piece : vocabulary) {
        String name = names.get(piece.path(0).asText());
        if (name != null && piece instanceof ArrayNode pair) {
          pair.set(0, TextNode.valueOf(name));
        }
      }
    }
    String unknown = names.get(model.path("unk_token").asText());
    if (unknown != null) {
      model.put("unk_token", unknown);
    }
    if (renamed) {
      dropMerges(model.path("merges"), model.path("continuing_subword_prefix").asText(""));
    }
  }

  /** Pairs that make a hidden token, or go on from it, would name a word that is no more. */
  private void dropMerges(JsonNode merges, String prefix) {
    for (Iterator<JsonNode> all = merges.iterator(); all.hasNext(); ) {
      JsonNode merge = all.next();
      String[] pair =
          merge.isTextual()
              ? merge.textValue().split(" ", 2)
              : new String[] {merge.path(0).asText(), merge.path(1).asText()};
      if (pair.length == 2) {
        String rest = pair[1].startsWith(prefix) ? pair[1].substring(prefix.length()) : pair[1];
        if (names.containsKey(pair[0])
            || names.containsKey(pair[1])
            || names.containsKey(pair[0] + rest)) {
          all.remove();
        }
      }
    }
  }
}
