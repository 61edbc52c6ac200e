package io.antiphon.data.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompressionTest {
  private static final Configuration CONFIGURATION = new Configuration();
  private static final String LINES = "{\"text\": \"one\"}\n{\"text\": \"two\"}\n";

  private final Path directory;

  CompressionTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.jsonl.zst", "a.zstd", "A.JSONL.ZST"})
  void zstandardIsReadWithAllItsFrames(String name) throws Exception {
    ByteArrayOutputStream frames = new ByteArrayOutputStream();
    frames.write(Zstd.compress(bytes(LINES)));
    frames.write(HexFormat.of().parseHex("502a4d1803000000010203")); // a frame to be skipped
    frames.write(Zstd.compress(bytes(LINES.replace("one", "three"))));
    Path file = Files.write(directory.resolve(name), frames.toByteArray());
    assertThat(texts(file)).containsExactly("one", "two", "three", "two");
  }

  @Test
  void aTruncatedFileIsAnErrorNotLessText() throws Exception {
    byte[] whole = Zstd.compress(bytes(LINES.repeat(1000)));
    for (int length : new int[] {3, whole.length / 2, whole.length - 1}) {
      Path file = Files.write(directory.resolve(length + ".zst"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> texts(file))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith("cannot read " + file);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.gz", "a.gzip", "a.txt.GZ"})
  void gzipIsReadByItsNames(String name) throws Exception {
    Path file = Files.write(directory.resolve(name), gzip(LINES));
    assertThat(texts(file)).containsExactly("one", "two");
  }

  @ParameterizedTest
  @CsvSource({
    "a.jsonl.xz, xz -d",
    "a.ZIP, unzip",
    "a.7z, 7z x",
    "a.lz4, lz4 -d",
    "a.snappy, snzip -d",
    "a.br, brotli -d",
    "a.tar, tar -xf",
    "a.tar.gz, tar -xf",
    "a.tar.zst, tar -xf",
    "a.tgz, tar -xf",
  })
  void otherFilesAreRefusedByName(String name, String command) throws Exception {
    Path file = Files.writeString(directory.resolve(name), "x");
    assertThatThrownBy(
            () ->
                InputFiles.list(
                    new Corpus.TextFiles(directory.toString(), Optional.empty()), CONFIGURATION))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "data.text: file:"
                + file
                + " cannot be read: unpack it ('"
                + command
                + "'); compressed files may end with .gz, .bz2 or .zst");
  }

  @ParameterizedTest
  @CsvSource({
    "1f8b0800, gzip; give it a name that ends with .gz",
    "28b52ffd, zstd; give it a name that ends with .zst",
    "425a6839314159265359, bzip2; give it a name that ends with .bz2",
    "fd377a585a0000, xz",
    "504b030414, a zip archive",
    "377abcaf271c00, a 7z archive",
    "526172211a0701, a rar archive",
    "04224d18, lz4",
    "ff060000734e61507059, snappy",
    "50415231, Parquet file; name it in data.parquet",
    "4f626a01, an Avro file",
    "255044462d312e37, a PDF document",
    "fffe7b00, UTF-16",
    "feff007b, UTF-16",
  })
  void otherFilesAreRefusedByTheirContent(String hex, String what) throws Exception {
    Path file = Files.write(directory.resolve("a.txt"), HexFormat.of().parseHex(hex));
    assertThatThrownBy(() -> texts(file))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + " is ")
        .hasMessageContaining(what);
  }

  @Test
  void archivesInsideOfCompressedFilesAreRefused() throws Exception {
    byte[] tar = new byte[1024];
    System.arraycopy(bytes("ustar"), 0, tar, 257, 5);
    Path file =
        Files.write(directory.resolve("a.gz"), gzip(new String(tar, StandardCharsets.US_ASCII)));
    assertThatThrownBy(() -> texts(file))
        .isInstanceOf(DataException.class)
        .hasMessage(file + " is a tar archive; unpack it first");
  }

  @Test
  void aPointerOfGitLfsIsRefused() throws Exception {
    Path file =
        Files.writeString(
            directory.resolve("a.jsonl"), "version https://git-lfs.github.com/spec/v1\n");
    assertThatThrownBy(() -> texts(file)).hasMessageContaining("git lfs pull");
  }

  private static List<String> texts(Path file) {
    List<String> texts = new ArrayList<>();
    new JsonDocuments(new FileSlice(file.toString(), 0, Long.MAX_VALUE), "text", CONFIGURATION)
        .forEachRemaining(raw -> texts.add(((RawText.Document) raw).text()));
    return texts;
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(bytes(text));
    }
    return bytes.toByteArray();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
