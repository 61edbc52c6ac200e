package io.antiphon.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import io.antiphon.data.FileOpener;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VocabularyTest {
  @Test
  void isThatOfTheTokenizer(@TempDir Path directory) throws Exception {
    Path file = TinyTokenizer.write(directory, "</s>");

    assertThat(Vocabulary.of("bytes", Optional.empty(), FileOpener.LOCAL))
        .isEqualTo(new Vocabulary(257, 256));
    assertThat(Vocabulary.of(file.toString(), Optional.empty(), FileOpener.LOCAL))
        .isEqualTo(new Vocabulary(8, 7));
    assertThatThrownBy(
            () -> Vocabulary.of(directory + "/none.json", Optional.empty(), FileOpener.LOCAL))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("none.json");
  }
}
