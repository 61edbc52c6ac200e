package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.data.FileOpener;
import io.antiphon.data.tokenizer.ByteTokenizer;
import io.antiphon.data.tokenizer.Tokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextPiecesTest {
  /** A word begins with a mark for the space before it; at the start of a text it is left out. */
  private static final String WORDS =
      """
      {"version": "1.0", "added_tokens": [],
       "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
       "model": {"type": "WordLevel", "vocab": {"</s>": 0, "\u2581it": 1, "\u2581was": 2, "n't": 3},
                 "unk_token": "</s>"}}
      """;

  private final List<String> pieces = new ArrayList<>();

  @Test
  void aCharacterOfSeveralTokensComesWhole() {
    TextPieces text = new TextPieces(new ByteTokenizer(), new int[] {}, pieces::add);
    for (byte next : "a\u00e9\u20ac\ud83d\ude00.".getBytes(StandardCharsets.UTF_8)) {
      assertThat(text.accept(Byte.toUnsignedInt(next))).isTrue();
    }

    assertThat(pieces).containsExactly("a", "\u00e9", "\u20ac", "\ud83d\ude00", ".");
    assertThat(text.end()).isEqualTo(11);
  }

  @Test
  void bytesThatNeverMakeACharacterAreShownAsSuchInTheEnd() {
    TextPieces text = new TextPieces(new ByteTokenizer(), new int[] {}, pieces::add);
    text.accept(0xff);
    text.accept('b');
    text.accept(0xe2);
    assertThat(pieces).containsExactly("\ufffdb");

    assertThat(text.end()).isEqualTo(3);
    assertThat(String.join("", pieces)).isEqualTo("\ufffdb\ufffd");
  }

  @Test
  void theEndOfTextEndsIt() {
    ByteTokenizer tokenizer = new ByteTokenizer();
    TextPieces text = new TextPieces(tokenizer, new int[] {}, pieces::add);
    text.accept('x');

    assertThat(text.accept(tokenizer.endOfText())).isFalse();
    assertThat(text.end()).isEqualTo(1);
    assertThat(pieces).containsExactly("x");
  }

  @Test
  void aWordKeepsTheSpaceBeforeIt(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("tokenizer.json"), WORDS);
    TokenizerDescription description =
        TokenizerDescription.read(file.toString(), Optional.of("</s>"), false, FileOpener.LOCAL);
    try (Tokenizer tokenizer = description.open()) {
      TextPieces text = new TextPieces(tokenizer, new int[] {1}, pieces::add);
      text.accept(2);
      text.accept(3);
      text.accept(1);

      assertThat(text.end()).isEqualTo(3);
      assertThat(pieces).containsExactly(" was", "n't", " it");
    }
  }
}
