package io.antiphon.data.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.antiphon.data.DataException;
import io.antiphon.data.Failures;

/**
 * A {@code tokenizer.json} run by the native Hugging Face tokenizers library, which the DJL jar
 * carries for Linux, macOS and Windows.
 *
 * <p>It calls the library's bindings, not DJL's tokenizer class: that one builds strings and spans
 * per token, of which only the ids are wanted here, and reports its use over the network. Padding
 * and truncation that the file asks for are switched off.
 */
public final class HuggingFaceTokenizerFile implements Tokenizer {
  private final String path;
  private final int vocabulary;
  private final int endOfText;
  private long handle;

  private HuggingFaceTokenizerFile(TokenizerDescription.TokenizerFile file, long handle) {
    this.path = file.path();
    this.vocabulary = file.vocabulary();
    this.endOfText = file.endOfText();
    this.handle = handle;
  }

  static HuggingFaceTokenizerFile open(TokenizerDescription.TokenizerFile file) {
    loadLibrary();
    long handle;
    try {
      handle = TokenizersLibrary.LIB.createTokenizerFromString(file.json());
    } catch (RuntimeException failure) {
      throw new DataException(
          "data.tokenizer: "
              + file.path()
              + " is not a usable tokenizer.json: "
              + Failures.reason(failure)
              + ". Give a file saved by the Hugging Face tokenizers library, or \"bytes\"",
          failure);
    }
    TokenizersLibrary.LIB.disablePadding(handle);
    TokenizersLibrary.LIB.disableTruncation(handle);
    return new HuggingFaceTokenizerFile(file, handle);
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
    long encoding = 0;
    try {
      encoding = TokenizersLibrary.LIB.encode(requireOpen(), text, false);
      long[] ids = TokenizersLibrary.LIB.getTokenIds(encoding);
      int[] tokens = new int[ids.length];
      for (int i = 0; i < ids.length; i++) {
        tokens[i] = requireKnown(Math.toIntExact(ids[i]));
      }
      return tokens;
    } catch (DataException ours) {
      throw ours;
    } catch (RuntimeException failure) {
      throw new DataException(
          "tokenizer " + path + " cannot encode a text: " + Failures.reason(failure), failure);
    } finally {
      if (encoding != 0) {
        TokenizersLibrary.LIB.deleteEncoding(encoding);
      }
    }
  }

  @Override
  public String decode(int[] tokens) {
    long[] ids = new long[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] < 0 || tokens[i] >= vocabulary) {
        throw new IllegalArgumentException(
            "token " + tokens[i] + " is not in [0, " + vocabulary + ")");
      }
      ids[i] = tokens[i];
    }
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
      throw new IllegalStateException("tokenizer " + path + " is closed");
    }
    return handle;
  }

  private int requireKnown(int token) {
    if (token < 0 || token >= vocabulary) {
      throw new DataException(
          "tokenizer " + path + " gave token " + token + ", beyond its vocabulary " + vocabulary);
    }
    return token;
  }

  private static void loadLibrary() {
    // Read by the library's loader only. Without it a machine with CUDA downloads another build.
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    try {
      LibUtils.checkStatus();
    } catch (RuntimeException | LinkageError failure) {
      throw new DataException(
          "the native tokenizers library does not load on this machine: "
              + Failures.reason(failure)
              + ". Use data.tokenizer = \"bytes\", or a Linux x86-64 or ARM64 machine with glibc and a"
              + " writable home or temporary directory",
          failure);
    }
  }
}
