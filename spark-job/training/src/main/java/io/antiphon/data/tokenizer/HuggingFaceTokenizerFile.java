package io.antiphon.data.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import io.antiphon.data.DataException;
import io.antiphon.data.Reasons;
import java.util.Arrays;

/**
 * A {@code tokenizer.json} run by the native Hugging Face tokenizers library, which the DJL jar
 * carries for Linux, macOS and Windows.
 */
public final class HuggingFaceTokenizerFile implements Tokenizer {
  private final String path;
  private final int vocabulary;
  private final int endOfText;
  private final NativeTokenizer tokenizer;

  private HuggingFaceTokenizerFile(
      TokenizerDescription.TokenizerFile file, NativeTokenizer tokenizer) {
    this.path = file.path();
    this.vocabulary = file.vocabulary();
    this.endOfText = file.endOfText();
    this.tokenizer = tokenizer;
  }

  static HuggingFaceTokenizerFile open(TokenizerDescription.TokenizerFile file) {
    loadLibrary();
    try {
      return new HuggingFaceTokenizerFile(file, new NativeTokenizer(file.json()));
    } catch (RuntimeException failure) {
      throw TokenizerJson.broken(file.path(), Reasons.of(failure));
    }
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }

  @Override
  public int endOfText() {
    return endOfText;
  }

  @Override
  public int[] encode(String text) {
    long[] ids;
    try {
      ids = tokenizer.encode(text);
    } catch (IllegalStateException closed) {
      throw closed;
    } catch (RuntimeException failure) {
      throw new DataException(
          "tokenizer " + path + " cannot encode a text: " + Reasons.of(failure), failure);
    }
    int[] tokens = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      tokens[i] = requireKnown(ids[i]);
    }
    return tokens;
  }

  @Override
  public String decode(int[] tokens) {
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException("token " + token + " is not in [0, " + vocabulary + ")");
      }
    }
    // The library leaves out special tokens; a chosen end of text may be none.
    long[] ids = Arrays.stream(tokens).filter(token -> token != endOfText).asLongStream().toArray();
    try {
      return tokenizer.decode(ids);
    } catch (IllegalStateException closed) {
      throw closed;
    } catch (RuntimeException failure) {
      throw new DataException(
          "tokenizer " + path + " cannot decode tokens: " + Reasons.of(failure), failure);
    }
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  private int requireKnown(long token) {
    if (token < 0 || token >= vocabulary) {
      throw new DataException(
          "tokenizer " + path + " gave token " + token + ", beyond its vocabulary " + vocabulary);
    }
    return (int) token;
  }

  static void loadLibrary() {
    // Read by the library's loader only. Without it a machine with CUDA downloads another build.
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    try {
      LibUtils.checkStatus();
    } catch (RuntimeException | LinkageError failure) {
      throw new DataException(
          "the native tokenizers library does not load on this machine: "
              + Reasons.of(failure)
              + ". Use data.tokenizer = \"bytes\", or a Linux x86-64 or ARM64 machine with glibc"
              + " and a writable home or temporary directory",
          failure);
    }
  }
}
