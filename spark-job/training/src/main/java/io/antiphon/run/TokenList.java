package io.antiphon.run;

import io.antiphon.data.tokenizer.Vocabulary;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Tokens of many documents one after the other, each followed by the end of text. */
final class TokenList implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final int FIRST_CAPACITY = 1 << 16;

  /** Tokens that are digested at once. */
  private static final int BLOCK = 1 << 16;

  /** Two bytes per token are enough for most vocabularies; {@code wide} is for the others. */
  private char @Nullable [] narrow;

  private int @Nullable [] wide;
  private final int endOfText;
  private int count;
  private long textTokens;
  private double bytes;

  /** An empty list of tokens of a vocabulary. */
  TokenList(Vocabulary vocabulary) {
    endOfText = vocabulary.endOfText();
    if (vocabulary.size() - 1 <= Character.MAX_VALUE) {
      narrow = new char[FIRST_CAPACITY];
    } else {
      wide = new int[FIRST_CAPACITY];
    }
  }

  /**
   * Adds {@code document[from, to)} and the end of text; nothing if that is empty.
   *
   * @param bytesPerToken mean UTF-8 bytes of text of these tokens
   */
  void add(int[] document, int from, int to, double bytesPerToken) {
    if (from == to) {
      return;
    }
    reserve(Math.addExact(count, to - from + 1));
    for (int i = from; i < to; i++) {
      append(document[i]);
    }
    append(endOfText);
    textTokens += to - from;
    bytes += (to - from) * bytesPerToken;
  }

  private void reserve(int needed) {
    int capacity = Math.max(needed, (int) Math.min(2L * count, 1 << 30));
    if (narrow != null && needed > narrow.length) {
      narrow = Arrays.copyOf(narrow, capacity);
    } else if (wide != null && needed > wide.length) {
      wide = Arrays.copyOf(wide, capacity);
    }
  }

  private void append(int token) {
    if (narrow != null) {
      narrow[count++] = (char) token;
    } else if (wide != null) {
      wide[count++] = token;
    }
  }

  /** A token, by its place. */
  int at(int place) {
    return narrow != null ? narrow[place] : requireWide()[place];
  }

  private int[] requireWide() {
    if (wide == null) {
      throw new IllegalStateException("neither narrow nor wide");
    }
    return wide;
  }

  /** Tokens in the list, ends of text included. */
  int count() {
    return count;
  }

  /** Feeds all tokens to a digest, two bytes to a token of a narrow vocabulary, four to another. */
  void addTo(MessageDigest digest) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * BLOCK);
    for (int first = 0; first < count; first += BLOCK) {
      int length = Math.min(BLOCK, count - first);
      bytes.clear();
      if (narrow != null) {
        bytes.asCharBuffer().put(narrow, first, length);
        bytes.limit(Character.BYTES * length);
      } else {
        bytes.asIntBuffer().put(requireWide(), first, length);
        bytes.limit(Integer.BYTES * length);
      }
      digest.update(bytes);
    }
  }

  /** Mean UTF-8 bytes of text per token of text; 1 for an empty list. */
  double bytesPerToken() {
    return textTokens == 0 ? 1 : bytes / textTokens;
  }
}
