package io.antiphon.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import io.antiphon.data.FileOpener;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  private final Path directory;

  TokenizerTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void bytesComeBackAsTheSameText() {
    String text = "naïve £5 日本 🙂\n";
    try (Tokenizer tokenizer = new ByteTokenizer()) {
      int[] tokens = tokenizer.encode(text);
      assertThat(tokens).hasSize(23);
      assertThat(tokenizer.decode(tokens)).isEqualTo(text);
      assertThat(tokenizer.vocabulary()).isEqualTo(257);
      assertThat(tokenizer.decode(new int[] {'a', tokenizer.endOfText(), 'b'})).isEqualTo("ab");
      assertThatThrownBy(() -> tokenizer.decode(new int[] {257}))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aTokenizerFileEncodesByItsMerges() throws Exception {
    Path file = TinyTokenizer.write(directory, "</s>");
    try (Tokenizer tokenizer = describe(file, Optional.empty()).open()) {
      assertThat(tokenizer.vocabulary()).isEqualTo(8);
      assertThat(tokenizer.endOfText()).isEqualTo(7);
      // a=0 b=1 c=2 Ġ=3 ab=4 abc=5 Ġab=6: merges "a b", "ab c", "Ġ ab" in this order
      assertThat(tokenizer.encode("abc ab cab")).containsExactly(5, 6, 3, 2, 4);
      assertThat(tokenizer.decode(new int[] {5, 6, 7})).isEqualTo("abc ab");
    }
  }

  @Test
  void truncationThatTheFileAsksForIsSwitchedOff() throws Exception {
    Path file = TinyTokenizer.write(directory, "</s>");
    String json = Files.readString(file);
    String truncating =
        "\"truncation\": {\"direction\": \"Right\", \"max_length\": 2, \"strategy\":"
            + " \"LongestFirst\", \"stride\": 0}";
    Files.writeString(file, json.replace("\"truncation\": null", truncating));
    try (Tokenizer tokenizer = describe(file, Optional.empty()).open()) {
      assertThat(tokenizer.encode("abc ab cab")).hasSize(5);
    }
  }

  @Test
  void aDescriptionOpensOnAnotherMachine() throws Exception {
    Path file = TinyTokenizer.write(directory, "</s>");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(describe(file, Optional.empty()));
    }
    Files.delete(file);
    try (ObjectInputStream in =
            new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()));
        Tokenizer tokenizer = ((TokenizerDescription) in.readObject()).open()) {
      assertThat(tokenizer.encode("abc")).containsExactly(5);
    }
  }

  @Test
  void theEndOfTextIsFoundByNameOrDetected() throws Exception {
    Path unusual = TinyTokenizer.write(directory, "<done>");
    assertThatThrownBy(() -> describe(unusual, Optional.empty()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("data.end-of-text");
    assertThatThrownBy(() -> describe(unusual, Optional.of("<don>")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("did you mean '<done>'");
    try (Tokenizer tokenizer = describe(unusual, Optional.of("<done>")).open()) {
      assertThat(tokenizer.endOfText()).isEqualTo(7);
    }
  }

  @Test
  void brokenFilesAreOneClearError() throws Exception {
    Path file = directory.resolve("tokenizer.json");
    assertThatThrownBy(() -> describe(file, Optional.empty()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageContaining("\"bytes\"");
    Files.writeString(file, "{\"model\": ");
    assertThatThrownBy(() -> describe(file, Optional.empty()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no valid JSON");
    Files.writeString(file, "{\"model\": {\"type\": \"BPE\"}}");
    assertThatThrownBy(() -> describe(file, Optional.empty()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("model.vocab");
    Files.writeString(file, "{\"model\": {\"type\": \"Other\", \"vocab\": {\"</s>\": 0}}}");
    assertThatThrownBy(() -> describe(file, Optional.of("</s>")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("not a usable tokenizer.json");
    Files.writeString(file, "{\"model\": {\"vocab\": {\"</s>\": 99999999}}}");
    assertThatThrownBy(() -> describe(file, Optional.empty()))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("no usable id");
  }

  @Test
  void fingerprintsTellTokenizersApart() throws Exception {
    Path file = TinyTokenizer.write(directory, "</s>");
    String first = describe(file, Optional.empty()).fingerprint();
    assertThat(describe(file, Optional.of("a")).fingerprint()).isNotEqualTo(first);
    Files.writeString(file, Files.readString(file) + "\n");
    assertThat(describe(file, Optional.empty()).fingerprint()).isNotEqualTo(first);
  }

  private static TokenizerDescription describe(Path file, Optional<String> endOfText) {
    return TokenizerDescription.read(file.toString(), endOfText, false, FileOpener.LOCAL);
  }
}
