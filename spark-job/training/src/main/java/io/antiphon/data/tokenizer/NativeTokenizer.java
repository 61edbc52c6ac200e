package io.antiphon.data.tokenizer;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;

/**
 * A tokenizer of the native library, by its bindings. It uses no other class of this project, so
 * that {@link TokenizerTrial} runs with a few jars. The library must be loaded.
 *
 * <p>The bindings are used, not DJL's tokenizer class: that one builds strings and spans per token,
 * of which only the ids are wanted here, and reports its use over the network.
 */
final class NativeTokenizer implements AutoCloseable {
  private long handle;

  /** Reads a {@code tokenizer.json}; padding and truncation that it asks for are switched off. */
  NativeTokenizer(String json) {
    handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
    TokenizersLibrary.LIB.disablePadding(handle);
    TokenizersLibrary.LIB.disableTruncation(handle);
  }

  long[] encode(String text) {
    long encoding = TokenizersLibrary.LIB.encode(requireOpen(), text, false);
    try {
      return TokenizersLibrary.LIB.getTokenIds(encoding);
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  /** Text of some tokens without the special ones. */
  String decode(long[] ids) {
    return TokenizersLibrary.LIB.decode(requireOpen(), ids, true);
  }

  @Override
  public void close() {
    if (handle != 0) {
      TokenizersLibrary.LIB.deleteTokenizer(handle);
      handle = 0;
    }
  }

  private long requireOpen() {
    if (handle == 0) {
      throw new IllegalStateException("the tokenizer is closed");
    }
    return handle;
  }
}
