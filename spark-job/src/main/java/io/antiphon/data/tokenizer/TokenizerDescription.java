package io.antiphon.data.tokenizer;

import io.antiphon.data.DataException;
import io.antiphon.data.Failures;
import io.antiphon.data.HadoopPath;
import io.antiphon.data.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.Path;

/** A tokenizer as it travels to executors, each of which opens its own. */
public sealed interface TokenizerDescription extends Serializable {

  /** The setting that stands for {@link ByteTokenizer}. */
  String BYTES = "bytes";

  /** Bytes of a tokenizer file that are read at most; real ones have up to 20 MB. */
  long MAX_FILE_BYTES = 256L << 20;

  /**
   * Reads the tokenizer a user named.
   *
   * @param setting {@value #BYTES}, or the path of a {@code tokenizer.json}
   * @param endOfText text of the token that ends a document, if the file has an unusual one
   * @param configuration Hadoop's, for paths on other file systems
   * @throws DataException if the file is missing or not a tokenizer, or has no such token
   */
  static TokenizerDescription read(
      String setting, Optional<String> endOfText, Configuration configuration) {
    if (setting.equals(BYTES)) {
      return new Bytes();
    }
    String json = readFile(setting, configuration);
    TokenizerJson parsed = TokenizerJson.parse(setting, json);
    int endId = parsed.endOfText(endOfText);
    TokenizerFile file = new TokenizerFile(setting, json, parsed.vocabulary(), endId);
    file.open().close(); // a broken file fails here, not on an executor
    return file;
  }

  /** Opens a tokenizer of its own for the calling thread. */
  Tokenizer open();

  /** What a reader of logs and manifests sees. */
  String label();

  /** Equal for tokenizers that give the same tokens. */
  String fingerprint();

  /** The byte tokenizer. */
  record Bytes() implements TokenizerDescription {
    @Override
    public Tokenizer open() {
      return new ByteTokenizer();
    }

    @Override
    public String label() {
      return BYTES;
    }

    @Override
    public String fingerprint() {
      return BYTES;
    }
  }

  /**
   * A file in the format of the Hugging Face tokenizers library.
   *
   * @param path where it was read, for messages
   * @param json its whole content
   * @param vocabulary one more than its largest id
   * @param endOfText id of the token that ends a document
   */
  record TokenizerFile(String path, String json, int vocabulary, int endOfText)
      implements TokenizerDescription {
    @Override
    public Tokenizer open() {
      return HuggingFaceTokenizerFile.open(this);
    }

    @Override
    public String label() {
      return new Path(path).getName() + " (" + vocabulary + " tokens)";
    }

    @Override
    public String fingerprint() {
      return Sha256.hex(json.getBytes(StandardCharsets.UTF_8)) + ":" + endOfText;
    }
  }

  private static String readFile(String setting, Configuration configuration) {
    try {
      HadoopPath place = HadoopPath.open("data.tokenizer", setting, configuration);
      try (InputStream in = place.files().open(place.path())) {
        byte[] bytes = in.readNBytes((int) MAX_FILE_BYTES + 1);
        if (bytes.length > MAX_FILE_BYTES) {
          throw new DataException(
              "data.tokenizer: "
                  + setting
                  + " is larger than "
                  + (MAX_FILE_BYTES >> 20)
                  + " MiB; it is not a tokenizer.json");
        }
        return new String(bytes, StandardCharsets.UTF_8);
      }
    } catch (IOException | FSError failure) {
      throw new DataException(
          "data.tokenizer: cannot read "
              + setting
              + ": "
              + Failures.reason(failure)
              + ". Give the path of a tokenizer.json, or \"bytes\"",
          failure);
    }
  }
}
