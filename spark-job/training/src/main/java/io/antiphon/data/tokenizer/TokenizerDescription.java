package io.antiphon.data.tokenizer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.antiphon.data.DataException;
import io.antiphon.data.FileOpener;
import io.antiphon.data.Reasons;
import io.antiphon.data.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A tokenizer as it travels to executors, each of which opens its own. */
public sealed interface TokenizerDescription extends Serializable {

  /** The setting that stands for {@link ByteTokenizer}. */
  String BYTES = "bytes";

  /** Bytes of a tokenizer file that are read at most; real ones have up to 20 MB. */
  long MAX_FILE_BYTES = 256L << 20;

  /**
   * Reads the tokenizer a user named, and tries it in a process of its own.
   *
   * @param setting {@value #BYTES}, or the path of a {@code tokenizer.json}
   * @param endOfText text of the token that ends a document, if the file has an unusual one
   * @param specialTokensInText whether text that spells a special token becomes that token
   * @param files opens the file
   * @throws DataException if the file is missing or not a tokenizer, or has no such token
   */
  static TokenizerDescription read(
      String setting, Optional<String> endOfText, boolean specialTokensInText, FileOpener files) {
    if (setting.equals(BYTES)) {
      return new Bytes();
    }
    TokenizerFile file =
        TokenizerFile.of(setting, readFile(setting, files), endOfText, specialTokensInText);
    TokenizerTrial.run(setting, file.json(), file.vocabulary());
    return file;
  }

  /** Opens a tokenizer of its own for the calling thread. */
  Tokenizer open();

  /** Ids are in {@code [0, vocabulary)}. */
  int vocabulary();

  /** Id that ends a document. */
  int endOfText();

  /** Texts that spell a special token. */
  List<String> specialTexts();

  /** Whether such a text becomes the token. */
  boolean specialTokensInText();

  /** What a reader of logs and manifests sees. */
  String label();

  /** Equal for tokenizers that give the same tokens. */
  String fingerprint();

  /** Equal for tokenizers whose tokens mean the same: of one content, with one end of text. */
  String meaning();

  /**
   * The file a tokenizer was read from; empty for {@link ByteTokenizer}.
   *
   * @param files opens it again
   * @throws DataException if it is gone, or is another by now
   */
  default Optional<byte[]> content(FileOpener files) {
    if (!(this instanceof TokenizerFile file)) {
      return Optional.empty();
    }
    byte[] content = readFile(file.path(), files);
    if (!Sha256.hex(content).equals(file.sha256())) {
      throw new DataException(
          "data.tokenizer: " + file.path() + " was changed while the run began; start it again");
    }
    return Optional.of(content);
  }

  /** The byte tokenizer. */
  record Bytes() implements TokenizerDescription {
    @Override
    public Tokenizer open() {
      return new ByteTokenizer();
    }

    @Override
    public int vocabulary() {
      return ByteTokenizer.VOCABULARY;
    }

    @Override
    public int endOfText() {
      return ByteTokenizer.END_OF_TEXT;
    }

    @Override
    public List<String> specialTexts() {
      return List.of();
    }

    @Override
    public boolean specialTokensInText() {
      return false;
    }

    @Override
    public String label() {
      return BYTES;
    }

    @Override
    public String fingerprint() {
      return BYTES;
    }

    @Override
    public String meaning() {
      return BYTES;
    }
  }

  /**
   * A file in the format of the Hugging Face tokenizers library.
   *
   * @param path where it was read, for messages
   * @param json what the library reads, without dropout, and with special tokens hidden from text
   * @param sha256 checksum of the file
   * @param vocabulary one more than its largest id
   * @param end token that ends a document
   * @param specialTexts texts that spell a special token
   * @param specialTokensInText whether they become that token
   */
  record TokenizerFile(
      String path,
      String json,
      String sha256,
      int vocabulary,
      EndOfText end,
      List<String> specialTexts,
      boolean specialTokensInText)
      implements TokenizerDescription {
    public TokenizerFile {
      specialTexts = List.copyOf(specialTexts);
    }

    /** Checks a file's content, without the native library. */
    static TokenizerFile of(
        String path, byte[] content, Optional<String> endOfText, boolean specialTokensInText) {
      TokenizerJson json = TokenizerJson.parse(path, content);
      EndOfText end = EndOfText.of(json, endOfText);
      Set<String> specials = new LinkedHashSet<>(json.specials());
      specials.add(end.text());
      if (!specialTokensInText) {
        specials = HiddenTokens.hide(json.root(), specials);
      }
      if (json.root().path("model") instanceof ObjectNode model && model.hasNonNull("dropout")) {
        model.putNull("dropout"); // drops merges at random: tokens would not be those of the text
      }
      return new TokenizerFile(
          path,
          json.json(),
          Sha256.hex(content),
          json.vocabulary(),
          end,
          List.copyOf(specials),
          specialTokensInText);
    }

    @Override
    public int endOfText() {
      return end.id();
    }

    @Override
    public Tokenizer open() {
      return HuggingFaceTokenizerFile.open(this);
    }

    @Override
    public String label() {
      return path.substring(path.lastIndexOf('/') + 1)
          + " ("
          + vocabulary
          + " tokens, '"
          + TokenizerJson.shown(end.text())
          + "' ends a document)";
    }

    @Override
    public String meaning() {
      return sha256 + ":" + end.id();
    }

    @Override
    public String fingerprint() {
      return sha256 + ":" + end.id() + (specialTokensInText ? ":special" : ":plain");
    }
  }

  private static byte[] readFile(String setting, FileOpener files) {
    try {
      try (InputStream in = files.open("data.tokenizer", setting)) {
        byte[] bytes = in.readNBytes((int) MAX_FILE_BYTES + 1);
        if (bytes.length > MAX_FILE_BYTES) {
          throw new DataException(
              "data.tokenizer: "
                  + setting
                  + " is larger than "
                  + (MAX_FILE_BYTES >> 20)
                  + " MiB; it is not a tokenizer.json");
        }
        return bytes;
      }
    } catch (IOException failure) {
      throw new DataException(
          "data.tokenizer: cannot read "
              + setting
              + ": "
              + Reasons.of(failure)
              + ". Give the path of a tokenizer.json, or \"bytes\"",
          failure);
    }
  }
}
