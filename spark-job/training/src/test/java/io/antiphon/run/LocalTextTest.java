package io.antiphon.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.conf.ConfigException;
import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.DataRequest;
import io.antiphon.data.Split;
import io.antiphon.data.tokenizer.Vocabulary;
import io.antiphon.train.SequenceSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What ranks read where there is no Spark. */
class LocalTextTest {
  private static final String SHIPPED = "classpath:corpus";

  @TempDir Path directory = Path.of("");

  private static RunText text(String location, String separator, double validation) {
    return LocalText.read(
            new DataRequest(
                new Corpus.TextFiles(
                    location, Optional.of(separator).filter(one -> !one.isEmpty())),
                "bytes",
                Optional.empty(),
                false,
                validation,
                "",
                32,
                7),
            4)
        .text();
  }

  private String words(int count) throws IOException {
    return Files.writeString(directory.resolve("words.txt"), "some words\n".repeat(count))
        .toString();
  }

  private static List<Integer> tokens(SequenceSource source, long position) {
    int[] tokens = new int[source.sequenceLength() + 1];
    source.read(position, tokens, 0);
    return Arrays.stream(tokens).boxed().toList();
  }

  @Test
  void everyEpochReadsEverySequenceOnceInAnotherOrder() {
    RunText text = text(SHIPPED, "", 0.05);
    try (SequenceSource train = text.open(Split.TRAIN);
        SequenceSource again = text.open(Split.TRAIN)) {
      int sequences = Math.toIntExact(train.sequences());
      Set<List<Integer>> first = new HashSet<>();
      Set<List<Integer>> second = new HashSet<>();
      for (int i = 0; i < sequences; i++) {
        first.add(tokens(train, i));
        second.add(tokens(train, sequences + i));
      }
      assertThat(first).hasSizeGreaterThan(sequences * 9 / 10).isEqualTo(second);
      assertThat(tokens(train, 0)).isNotEqualTo(tokens(train, sequences));
      assertThat(tokens(again, sequences + 3)).isEqualTo(tokens(train, sequences + 3));
    }
  }

  @Test
  void ofASeparatorLineOnlyItsGroupRemains() throws Exception {
    Path file = directory.resolve("book.txt");
    Files.writeString(file, "before\r\nCHAPTER one\n" + "words\n".repeat(500) + "CHAPTER two\nend");
    StringBuilder all = new StringBuilder();
    try (SequenceSource train = text(file.toString(), "^CHAPTER (.*)", 0).open(Split.TRAIN)) {
      for (int i = 0; i < train.sequences(); i++) {
        tokens(train, i).forEach(token -> all.append(token < 256 ? (char) (int) token : '|'));
      }
    }
    assertThat(all.toString()).contains("words\nwords\n").doesNotContain("CHAPTER");
  }

  @Test
  void shippedTextIsFoundAndItsEndIsForValidation() {
    RunText text = text(SHIPPED, "", 0.05);

    assertThat(text.sequences(Split.TRAIN)).isGreaterThan(50_000);
    assertThat(text.sequences(Split.VALIDATION)).isBetween(1L, text.sequences(Split.TRAIN) / 4);
    assertThat(text.measured()).isEqualTo(Split.VALIDATION);
    assertThat(text.bytesPerToken(Split.TRAIN)).isEqualTo(1);
    assertThat(text.vocabulary()).isEqualTo(new Vocabulary(257, 256));
  }

  @Test
  void aSplitWithoutASequenceIsRefusedAndTrainingIsMeasuredInstead() throws Exception {
    RunText text = text(words(50), "", 0);

    assertThat(text.measured()).isEqualTo(Split.TRAIN);
    assertThatThrownBy(() -> text.open(Split.VALIDATION)).isInstanceOf(DataException.class);
  }

  @Test
  void textThatIsTooLittleOrNoTextIsRefused() throws Exception {
    String little = words(3);
    assertThatThrownBy(() -> text(little, "", 0))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("1 training sequences, fewer than the 4 ranks");
    Path file = Files.write(directory.resolve("a.txt.gz"), new byte[] {0x1f, (byte) 0x8b, 8, 0});
    assertThatThrownBy(() -> text(file.toString(), "", 0))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("is compressed with gzip, and without Spark only UTF-8 text is read");
  }

  @Test
  void tokensOfALargeVocabularyKeepTheirValue() {
    for (int vocabulary : new int[] {1 << 16, (1 << 16) + 1}) {
      TokenList list = new TokenList(new Vocabulary(vocabulary, vocabulary - 1));
      int[] document = new int[100_000];
      Arrays.setAll(document, i -> i % vocabulary);
      list.add(document, 1, document.length, 2.5);

      assertThat(list.count()).isEqualTo(document.length);
      assertThat(list.at(vocabulary - 2)).isEqualTo(vocabulary - 1);
      assertThat(list.at(document.length - 1)).isEqualTo(vocabulary - 1);
      assertThat(list.bytesPerToken()).isEqualTo(2.5);
    }
  }
}
