package io.antiphon.data.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputFilesTest {
  private final Path directory;

  InputFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void aFileWithAColonBreaksOnlyWhatMatchesIt() throws Exception {
    write("a:b.jsonl");
    write("one.jsonl");
    write("sub/2024-01-01T00:00:00.txt");
    write("sub/two.txt");
    write("sub/deep/three.txt");
    assertThat(list("one*")).containsExactly("one.jsonl");
    assertThat(list("*/t*.txt")).containsExactly("two.txt");
    assertThat(list("s?b/{two,deep/three}.txt")).containsExactlyInAnyOrder("two.txt", "three.txt");
    assertThat(list("su[ab]/deep")).containsExactly("three.txt");
    for (String place : List.of("*.jsonl", "a:b.jsonl", "sub", "sub/*", ".")) {
      assertThatThrownBy(() -> list(place))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("has a colon, which Hadoop cannot read; rename the file")
          .hasMessageNotContaining(".crc");
    }
  }

  @Test
  void aNameThatReadsLikeAPatternIsTakenAsItIs() throws Exception {
    write("sp ace \u00fc [x] {y}.txt");
    assertThat(list("sp ace \u00fc [x] {y}.txt")).containsExactly("sp ace \u00fc [x] {y}.txt");
  }

  @Test
  void aFolderWithoutFilesSaysWhatItHas() throws Exception {
    Files.createDirectory(directory.resolve("empty"));
    assertRefused("empty", "is empty");
    write("hidden/.a.txt");
    write("hidden/_SUCCESS");
    assertRefused("hidden", "has hidden files only, whose names begin with . or _");
    write("folders/sub/a.txt");
    assertRefused("folders", "name them with a glob, such as " + directory + "/folders/*/*");
  }

  @Test
  void aPlaceThatIsWrittenInAnotherLanguageIsExplained() throws Exception {
    write("a/b/c.txt");
    assertRefused("**/c.txt", "** does not descend into folders");
    assertRefused("a.txt,b.txt", "several places are written in braces");
    assertThatThrownBy(
            () ->
                InputFiles.list(
                    new Corpus.TextFiles("~/texts", Optional.empty()), new Configuration()))
        .hasMessageContaining("~ does not stand for the home directory");
    assertRefused("none.txt", "give the path of a file or directory, or a glob");
  }

  private void assertRefused(String place, String message) {
    assertThatThrownBy(() -> list(place))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("data.text: ")
        .hasMessageContaining(message);
  }

  private List<String> list(String place) {
    Corpus corpus = new Corpus.TextFiles(directory + "/" + place, Optional.empty());
    return InputFiles.list(corpus, new Configuration()).stream()
        .map(file -> file.path().substring(file.path().lastIndexOf('/') + 1))
        .toList();
  }

  private void write(String name) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "text");
  }
}
