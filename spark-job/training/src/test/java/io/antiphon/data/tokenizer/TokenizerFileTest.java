package io.antiphon.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files as users have them, with what their tokens mean. */
class TokenizerFileTest {
  private static final String WORDS =
      """
      {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
       "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
       "vocab": {"<": 0, "/": 1, "s": 2, ">": 3, "a": 4, "</": 5, "s>": 6, "</s>": 7},
       "merges": ["< /", "s >", "</ s>"]}
      """;

  private final Path file;

  TokenizerFileTest(@TempDir Path directory) {
    this.file = directory.resolve("tokenizer.json");
  }

  @Test
  void theEndOfTextIsTheOnlyUsualTokenThatIsSpecial() throws Exception {
    write(added(8, "<eos>", true) + "," + added(7, "</s>", false), WORDS);
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.endOfText()).isEqualTo(8);
      assertThat(tokenizer.encode("a</s>")).containsExactly(4, 7); // a tag of HTML
    }
  }

  @Test
  void anEndOfTextThatIsNotClearIsAskedFor() throws Exception {
    write(added(8, "<eos>", true) + "," + added(7, "</s>", true), WORDS);
    assertThatThrownBy(() -> open(false))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("more than one special token that may end a document: </s> <eos>")
        .hasMessageContaining("set data.end-of-text");
    write(added(8, "<done>", true), WORDS);
    assertThatThrownBy(() -> open(false))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("</s> as an ordinary token only")
        .hasMessageContaining("its special tokens are <done>")
        .hasMessageContaining("set data.end-of-text");
  }

  @Test
  void textThatSpellsASpecialTokenStaysText() throws Exception {
    write(added(7, "</s>", true) + "," + added(8, "<pad>", true), WORDS);
    try (Tokenizer tokenizer = open(false)) {
      int[] tokens = tokenizer.encode("a</s>a<pad>");
      assertThat(tokens).startsWith(4, 5, 6, 4).doesNotContain(7, 8);
      assertThat(tokenizer.decode(new int[] {4, 7, 5, 6, 8, 4})).isEqualTo("a </ s> a");
    }
    try (Tokenizer tokenizer = open(true)) {
      assertThat(tokenizer.encode("a</s>a<pad>")).containsExactly(4, 7, 4, 8);
    }
  }

  @Test
  void addedTokensThatAreNotSpecialKeepTheirIdsBetweenHiddenOnes() throws Exception {
    String added =
        added(8, "<x>", true) + "," + added(9, "aa", false) + "," + added(10, "<eos>", true);
    write(added + "," + added(11, "ss", false), WORDS);
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.vocabulary()).isEqualTo(12);
      assertThat(tokenizer.encode("aass")).containsExactly(9, 11);
      assertThat(tokenizer.encode("<eos>")).doesNotContain(10);
      assertThat(tokenizer.decode(new int[] {8, 9, 10, 11})).isEqualTo("aa ss");
    }
  }

  @Test
  void aChosenEndOfTextStaysTextToo() throws Exception {
    write(added(8, "<eos>", true), WORDS);
    TokenizerDescription description = describe(Optional.of("</s>"), false);
    assertThat(description.specialTexts()).containsExactlyInAnyOrder("<eos>", "</s>");
    try (Tokenizer tokenizer = description.open()) {
      assertThat(tokenizer.endOfText()).isEqualTo(7);
      assertThat(tokenizer.encode("</s>")).containsExactly(5, 6);
      assertThat(tokenizer.decode(new int[] {4, 7})).isEqualTo("a");
    }
  }

  @Test
  void aModelThatKnowsTheSpecialTokenAsAWordDoesNotGiveIt() throws Exception {
    String unigram =
        """
        {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
         "vocab": [["<unk>", 0.0], ["</s>", 0.0], ["<", -1.0], ["/", -1.0], ["s", -1.0],
                   [">", -1.0]]}
        """;
    write(added(1, "</s>", true), unigram);
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.encode("</s>")).containsExactly(2, 3, 4, 5);
    }
    String wordLevel =
        "{\"type\": \"WordLevel\", \"vocab\": {\"[SEP]\": 0, \"?\": 1}, \"unk_token\": \"?\"}";
    write(added(0, "[SEP]", true), wordLevel);
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.encode("[SEP]")).containsExactly(1);
    }
    try (Tokenizer tokenizer = open(true)) {
      assertThat(tokenizer.encode("[SEP]")).containsExactly(0);
    }
  }

  @Test
  void anUnknownWordStillGivesTheHiddenUnknownToken() throws Exception {
    String bpe = WORDS.replace("\"unk_token\": null", "\"unk_token\": \"a\"");
    write(added(8, "<eos>", true), bpe.replace("\"a\"", "\"<unk>\""));
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.encode("s\u00e9s")).containsExactly(2, 4, 2);
    }
    String hidden = added(4, "<unk>", true) + "," + added(8, "<eos>", true);
    write(hidden, bpe.replace("\"a\"", "\"<unk>\""));
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.encode("s\u00e9s")).containsExactly(2, 4, 2);
    }
  }

  @Test
  void aSpecialCharacterOfTheVocabularyStaysACharacter() throws Exception {
    write(added(4, "a", true) + "," + added(8, "<eos>", true), WORDS);
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.encode("sas")).containsExactly(2, 4, 2);
      assertThat(tokenizer.decode(new int[] {2, 4})).isEqualTo("s a");
    }
  }

  @Test
  void dropoutIsOff() throws Exception {
    write(added(8, "<eos>", true), WORDS.replace("\"dropout\": null", "\"dropout\": 0.9"));
    try (Tokenizer tokenizer = open(false)) {
      for (int i = 0; i < 50; i++) {
        assertThat(tokenizer.encode("</s>")).containsExactly(7);
      }
    }
  }

  @Test
  void repeatedPiecesKeepTheirPlaces() throws Exception {
    String unigram =
        """
        {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
         "vocab": [["<unk>", 0.0], ["<unk>", 0.0], ["<eos>", 0.0], ["s", -1.0], ["a", -1.0]]}
        """;
    write(added(2, "<eos>", true), unigram);
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.vocabulary()).isEqualTo(5);
      assertThat(tokenizer.endOfText()).isEqualTo(2);
      assertThat(tokenizer.encode("as")).containsExactly(4, 3);
    }
  }

  @Test
  void aByteOrderMarkIsPassedOver() throws Exception {
    write(added(8, "<eos>", true), WORDS);
    Files.writeString(file, "\ufeff" + Files.readString(file));
    try (Tokenizer tokenizer = open(false)) {
      assertThat(tokenizer.encode("a")).containsExactly(4);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n | git lfs pull",
        "{\"decoder\": {\"type\": \"\\ud800\"}, \"model\": {\"vocab\": {\"</s>\": 0}}} | surrogate",
        "{\"model\": {\"vocab\": {\"a\\udc00\": 0}}} | surrogate",
        "[] | not a JSON object",
        "{} {} | no valid JSON",
        "{\"model\": {\"vocab\": {}}} | vocabulary is empty",
      })
  void whatIsNoTokenizerSaysSo(String contentAndReason) throws Exception {
    int bar = contentAndReason.lastIndexOf(" | ");
    Files.writeString(file, contentAndReason.substring(0, bar));
    assertThatThrownBy(() -> open(false))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("data.tokenizer: " + file)
        .hasMessageContaining(contentAndReason.substring(bar + 3));
  }

  @Test
  void deepFilesAndOtherEncodingsAreRefused() throws Exception {
    Files.writeString(file, "{\"normalizer\": " + "[".repeat(200) + "]".repeat(200) + "}");
    assertThatThrownBy(() -> open(false)).hasMessageContaining("deeper than 100 levels");
    Files.write(file, "{\"model\": {}}".getBytes(StandardCharsets.UTF_16));
    assertThatThrownBy(() -> open(false)).hasMessageContaining("not UTF-8");
  }

  @Test
  void aWordThatWouldOverflowTheLibrarysStackIsRefused() throws Exception {
    write(added(0, "</s>", true), unigramWithWordOf(40_000));
    assertThatThrownBy(() -> open(false))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("more than 4096 bytes");
    write(added(0, "</s>", true), unigramWithWordOf(4096));
    open(false).close();
  }

  /** What our own checks let through: a fault of the library that is not known yet. */
  @Test
  void aFileThatEndsTheLibrarysProcessIsOneClearError() {
    String aborts = "{\"decoder\": {\"type\": \"\\ud800\"}}";
    assertThatThrownBy(() -> TokenizerTrial.run("t.json", aborts, 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("t.json is not a usable tokenizer.json")
        .hasMessageContaining("aborts (exit code 134)")
        .hasMessageContaining("panicked at");
    String overflows =
        "{\"version\": \"1.0\", \"added_tokens\": [], \"model\": "
            + unigramWithWordOf(40_000)
            + "}";
    assertThatThrownBy(() -> TokenizerTrial.run("t.json", overflows, 3))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("t.json is not a usable tokenizer.json: the native library");
    assertThatThrownBy(() -> TokenizerTrial.run("t.json", "{\"version\": \"9\"}", 3))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("Unknown tokenizer version");
  }

  private static String unigramWithWordOf(int characters) {
    return "{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"</s>\", 0.0], [\""
        + "a".repeat(characters)
        + "\", -1.0], [\"b\", -2.0]], \"byte_fallback\": false}";
  }

  private static String added(int id, String content, boolean special) {
    return "{\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": %s}"
        .formatted(id, content, special);
  }

  private void write(String added, String model) throws IOException {
    Files.writeString(
        file,
        "{\"version\": \"1.0\", \"added_tokens\": [" + added + "], \"model\": " + model + "}");
  }

  private Tokenizer open(boolean specialTokensInText) throws IOException {
    return describe(Optional.empty(), specialTokensInText).open();
  }

  private TokenizerDescription describe(Optional<String> endOfText, boolean specialTokensInText)
      throws IOException {
    return TokenizerDescription.TokenizerFile.of(
        file.toString(), Files.readAllBytes(file), endOfText, specialTokensInText);
  }
}
