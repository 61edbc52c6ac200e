package io.antiphon.data.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.DataException;
import io.antiphon.data.Texts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentReaderTest {
  private static final Configuration CONFIGURATION = new Configuration();

  private final Path file;

  DocumentReaderTest(@TempDir Path directory) {
    this.file = directory.resolve("input");
  }

  @Test
  void aSeparatorStartsADocumentAndKeepsItsGroup() throws Exception {
    Files.writeString(file, "\n\nbefore\n## one\nfirst\nline\n\n## two\n\nsecond\n## three\n");
    assertThat(separated("^## ")).containsExactly("before", "first\nline", "second", "");
    assertThat(separated("^## (.*)"))
        .containsExactly("before", "one\nfirst\nline", "two\n\nsecond", "three");
  }

  @Test
  void blankLinesBeforeTheFirstSeparatorAreNoDocument() throws Exception {
    Files.writeString(file, "\uFEFF## one\r\ntext\r\n");
    assertThat(separated("^## ")).containsExactly("text");
    Files.writeString(file, "\n \n## one\ntext");
    assertThat(separated("^## ")).containsExactly("text");
    Files.writeString(file, "\n \n");
    assertThat(separated("^## ")).isEmpty();
  }

  @Test
  void slicesOfTextHaveEveryDocumentOnceWhereverTheyAreCut() throws Exception {
    List<String> texts = Texts.of(12, 3);
    Files.writeString(file, "## " + String.join("\n## \n", texts));
    Pattern separator = Pattern.compile("^## (.*)$");
    List<String> whole = separated(separator.pattern());
    assertThat(whole).hasSize(12);
    assertEverySliceSize(slice -> TextDocuments.separated(slice, separator, CONFIGURATION), whole);
  }

  @Test
  void slicesOfJsonLinesHaveEveryDocumentOnceWhereverTheyAreCut() throws Exception {
    StringBuilder json = new StringBuilder();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      texts.add("é" + i);
      json.append("{\"text\":\"é").append(i).append("\"}").append(i % 3 == 0 ? "\r\n" : "\n\n");
    }
    Files.writeString(file, json);
    assertEverySliceSize(slice -> new JsonDocuments(slice, "text", CONFIGURATION), texts);
  }

  @Test
  void jsonLinesTellWhatIsWrongWithThem() throws Exception {
    Files.writeString(
        file,
        """
        {"text": "good", "more": {"text": [1, 2]}}
        {"text": "cut
        ["text"]
        {"text": 5}
        {"text": {"a": 1}}
        {"text": "good"} {"text": "two on a line"}
        {"other": "x", "third": null}
        {"text": null}
        """);
    List<RawText> found = new ArrayList<>();
    new JsonDocuments(whole(), "text", CONFIGURATION).forEachRemaining(found::add);
    assertThat(found).hasSize(8);
    assertThat(found.get(0)).isEqualTo(new RawText.Document("good"));
    assertThat(reason(found.get(1))).contains("Unexpected end-of-input");
    assertThat(reason(found.get(2))).isEqualTo("it is not a JSON object");
    assertThat(reason(found.get(3))).isEqualTo("'text' is a number, not a string");
    assertThat(reason(found.get(4))).isEqualTo("'text' is an object, not a string");
    assertThat(reason(found.get(5))).isEqualTo("there is more after the JSON object");
    assertThat(found.get(6)).isEqualTo(new RawText.NoColumn("other"));
    assertThat(found.get(7)).isEqualTo(new RawText.Null());
  }

  @Test
  void membersThatAreNotTheTextNeedNotBeStrict() throws Exception {
    String deep = "[".repeat(5000) + "]".repeat(5000);
    Files.writeString(
        file,
        "{\"score\": NaN, \"a\": -Infinity, \"b\": [Infinity], \"text\": \"1\"}\n"
            + "{\"deep\": %s, \"text\": \"2\", \"more\": %s}\n".formatted(deep, deep)
            + "{\"long\": %s, \"text\": \"3\"}\n".formatted("1".repeat(5000))
            + "{\"long\": 0.%se-9999999999, \"text\": \"4\"}\n".formatted("1".repeat(5000))
            + "{\"%s\": 1, \"text\": \"5\"}\n".formatted("n".repeat(200_000))
            + "{\"a\": [007, +1, .5, 1., +.5e3, -INF], \"text\": \"6\"}\n"
            + "{\"text\": NaN}\n"
            + "{\"deep\": %s}\n".formatted("[".repeat(1_000_001)));
    List<RawText> found = new ArrayList<>();
    new JsonDocuments(whole(), "text", CONFIGURATION).forEachRemaining(found::add);
    assertThat(found.subList(0, 6).stream().map(DocumentReaderTest::text))
        .containsExactly("1", "2", "3", "4", "5", "6");
    assertThat(reason(found.get(6))).isEqualTo("'text' is a number, not a string");
    assertThat(reason(found.get(7))).isEqualTo("it nests deeper than 1000000 levels");
  }

  @Test
  void malformedTextBecomesTheReplacementCharacter() throws Exception {
    Files.write(file, new byte[] {'a', (byte) 0xC3, 'b'});
    List<RawText> found = new ArrayList<>();
    TextDocuments.whole(whole(), CONFIGURATION).forEachRemaining(found::add);
    assertThat(found).containsExactly(new RawText.Document("a\uFFFDb"));
  }

  @Test
  void aMissingFileIsOneClearError() {
    assertThatThrownBy(() -> TextDocuments.whole(whole(), CONFIGURATION))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cannot read " + file);
  }

  private void assertEverySliceSize(Function<FileSlice, DocumentReader> open, List<String> expected)
      throws IOException {
    long bytes = Files.size(file);
    for (long size = 1; size <= bytes + 1; size += size < 50 ? 1 : 37) {
      List<String> found = new ArrayList<>();
      for (long start = 0; start < bytes; start += size) {
        open.apply(new FileSlice(file.toString(), start, start + size))
            .forEachRemaining(raw -> found.add(text(raw)));
      }
      assertThat(found).as("slices of %d bytes", size).isEqualTo(expected);
    }
  }

  private List<String> separated(String expression) {
    List<String> found = new ArrayList<>();
    TextDocuments.separated(whole(), Pattern.compile(expression), CONFIGURATION)
        .forEachRemaining(raw -> found.add(text(raw)));
    return found;
  }

  private FileSlice whole() {
    return new FileSlice(file.toString(), 0, Long.MAX_VALUE);
  }

  private static String text(RawText raw) {
    return ((RawText.Document) raw).text();
  }

  private static String reason(RawText raw) {
    return ((RawText.Corrupt) raw).reason();
  }
}
