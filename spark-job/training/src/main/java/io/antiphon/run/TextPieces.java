package io.antiphon.run;

import io.antiphon.data.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Turns tokens into text as soon as they make whole characters. A token is decoded together with
 * those before it, because some tokenizers write it otherwise at the beginning of a text.
 */
final class TextPieces {
  /** What a decoder puts where bytes are no character yet. */
  private static final String REPLACEMENT = "\ufffd";

  /** Most tokens that a character takes. Bytes that are no character by then never will be. */
  private static final int LONGEST_CHARACTER = 8;

  /** Tokens of the prompt that are enough to know how the text goes on. */
  private static final int CONTEXT = 8;

  private final Tokenizer tokenizer;
  private final Consumer<String> out;
  private int[] context;
  private int[] pending = {};
  private int accepted;

  /**
   * @param prompt tokens before the first one
   * @param out takes the text without the prompt
   */
  TextPieces(Tokenizer tokenizer, int[] prompt, Consumer<String> out) {
    this.tokenizer = tokenizer;
    this.context = Arrays.copyOfRange(prompt, Math.max(0, prompt.length - CONTEXT), prompt.length);
    this.out = out;
  }

  /** Takes a token; false at the end of the document. */
  boolean accept(int token) {
    if (token == tokenizer.endOfText()) {
      return false;
    }
    accepted++;
    pending = Arrays.copyOf(pending, pending.length + 1);
    pending[pending.length - 1] = token;
    String text = pendingText();
    if (!text.endsWith(REPLACEMENT) || pending.length >= LONGEST_CHARACTER) {
      emit(text);
    }
    return true;
  }

  /** Writes what is left, and returns how many tokens made text. */
  int end() {
    if (pending.length > 0) {
      emit(pendingText());
    }
    return accepted;
  }

  private void emit(String text) {
    if (!text.isEmpty()) {
      out.accept(text);
    }
    context = pending;
    pending = new int[] {};
  }

  private String pendingText() {
    String before = tokenizer.decode(context);
    int[] all = Arrays.copyOf(context, context.length + pending.length);
    System.arraycopy(pending, 0, all, context.length, pending.length);
    String whole = tokenizer.decode(all);
    return whole.startsWith(before) ? whole.substring(before.length()) : tokenizer.decode(pending);
  }
}
