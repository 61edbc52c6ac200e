package io.antiphon.data.etl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.DataRequest;
import io.antiphon.data.Sha256;
import io.antiphon.data.SparkForTests;
import io.antiphon.data.Split;
import io.antiphon.data.Texts;
import io.antiphon.data.files.HadoopPath;
import io.antiphon.data.store.PackedStore;
import io.antiphon.data.store.StoreManifest;
import io.antiphon.data.text.CorpusReader;
import io.antiphon.data.text.ReadReport;
import io.antiphon.data.tokenizer.ByteTokenizer;
import io.antiphon.data.tokenizer.TinyTokenizer;
import io.antiphon.data.tokenizer.Tokenizer;
import io.antiphon.data.tokenizer.TokenizerDescription;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("spark")
class TokenEtlTest {
  private static final int LENGTH = 32;
  private static final List<String> TEXTS = Texts.of(300, 17);

  private final SparkSession spark = SparkForTests.session();
  private final Path directory;

  TokenEtlTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void partitionsDoNotChangeAByteOfTheStore() throws Exception {
    Dataset<String> texts = spark.createDataset(TEXTS, Encoders.STRING());
    texts.toDF("text").repartition(1).createOrReplaceTempView("one");
    texts.toDF("text").repartition(7).createOrReplaceTempView("seven");
    DataRequest one = request(new Corpus.Sql("select * from one", "text"), "one");
    DataRequest seven = request(new Corpus.Sql("select * from seven", "text"), "seven");
    StoreManifest first = TokenEtl.prepare(spark, one, 1, 1).manifest();
    StoreManifest second = TokenEtl.prepare(spark, seven, 1, 5).manifest();
    assertThat(second.contentDigest()).isEqualTo(first.contentDigest());
    assertThat(files(directory.resolve("one"), ".tokens"))
        .isEqualTo(files(directory.resolve("seven"), ".tokens"))
        .hasSize(2);
  }

  @Test
  void theStoreIsWhatPlainJavaMakesOfTheTexts() {
    spark.createDataset(TEXTS, Encoders.STRING()).toDF("text").createOrReplaceTempView("oracle");
    PreparedTokens prepared =
        TokenEtl.prepare(spark, request(new Corpus.Sql("oracle", "text"), "oracle"), 1, 4);
    StoreManifest manifest = prepared.manifest();
    SplitRule rule = new SplitRule(0, LENGTH, 0.1, 7);
    assertThat(manifest.splitRule()).isEqualTo(rule.inWords()).startsWith("whole documents");
    for (Split split : Split.values()) {
      List<Integer> stream = oracleStream(rule, split);
      List<String> expected = new ArrayList<>();
      for (int at = 0; at + LENGTH < stream.size(); at += LENGTH) {
        expected.add(stream.subList(at, at + LENGTH + 1).toString());
      }
      StoreManifest.Part part = manifest.part(split);
      assertThat(part.tokens()).isEqualTo(stream.size());
      assertThat(part.textBytes()).isEqualTo(stream.size() - part.pieces());
      assertThat(part.droppedTokens()).isEqualTo((stream.size() - 1) % LENGTH);
      assertThat(sequences(prepared, split))
          .containsExactlyInAnyOrderElementsOf(expected)
          .isNotEqualTo(expected); // shuffled
    }
  }

  @Test
  void everyFormatGivesTheSameStore() throws Exception {
    Path folder = Files.createDirectories(directory.resolve("texts"));
    Path joined = directory.resolve("joined.txt");
    Path compressed = directory.resolve("joined.txt.gz");
    StringBuilder all = new StringBuilder();
    StringBuilder json = new StringBuilder();
    for (int i = 0; i < TEXTS.size(); i++) {
      Files.writeString(folder.resolve("text-" + (1000 - i) + ".txt"), TEXTS.get(i) + "\n");
      all.append("=====\r\n").append(TEXTS.get(i).replace("\n", "\r\n")).append("\r\n");
      String escaped = TEXTS.get(i).replace("\n", "\\n");
      json.append("{\"id\": " + i + ", \"text\": \"" + escaped + "\", \"tags\": [{}]}\n\n");
    }
    Files.writeString(joined, all);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(compressed))) {
      out.write(all.toString().getBytes(StandardCharsets.UTF_8));
    }
    Path lines = directory.resolve("texts.jsonl");
    Files.writeString(lines, json);
    Dataset<String> texts = spark.createDataset(TEXTS, Encoders.STRING());
    String parquet = directory.resolve("parquet").toString();
    texts.toDF("text").repartition(3).write().parquet(parquet);
    List<Corpus> corpora =
        List.of(
            new Corpus.TextFiles(folder + "/*.txt", Optional.empty()),
            new Corpus.TextFiles(folder.toString(), Optional.empty()),
            new Corpus.TextFiles(joined.toString(), Optional.of("^=+$")),
            new Corpus.TextFiles(compressed.toString(), Optional.of("^=+$")),
            new Corpus.JsonLines(lines.toString(), "text"),
            new Corpus.ParquetFiles(parquet, "text"),
            new Corpus.Sql("select TEXT from parquet.`" + parquet + "`", "text"));
    String digest = "";
    for (Corpus corpus : corpora) {
      StoreManifest manifest = TokenEtl.prepare(spark, request(corpus, "cache"), 1).manifest();
      digest = digest.isEmpty() ? manifest.contentDigest() : digest;
      assertThat(manifest.contentDigest()).as(corpus.toString()).isEqualTo(digest);
      assertThat(manifest.documents()).isEqualTo(300);
    }
  }

  @Test
  void aSecondRunReusesTheStoreAndAChangedOneBuildsAnother() throws Exception {
    Path file = directory.resolve("corpus.txt");
    Files.writeString(file, String.join("\n\n", TEXTS));
    Corpus corpus = new Corpus.TextFiles(file.toString(), Optional.empty());
    DataRequest request = request(corpus, "cache");
    PreparedTokens first = TokenEtl.prepare(spark, request, 1);
    assertThat(first.reused()).isFalse();
    PreparedTokens second = TokenEtl.prepare(spark, request, 1);
    assertThat(second.reused()).isTrue();
    assertThat(second.location()).isEqualTo(first.location());
    assertThat(second.manifest()).isEqualTo(first.manifest());

    Path shard =
        Path.of(first.location().path(first.manifest().train().shards().get(0).file()).toUri());
    Files.write(shard, new byte[] {1, 2, 3});
    PreparedTokens repaired = TokenEtl.prepare(spark, request, 1);
    assertThat(repaired.reused()).isFalse();
    assertThat(repaired.manifest()).isEqualTo(first.manifest());

    Path store = shard.resolveSibling("");
    Files.delete(store.resolve("manifest.json"));
    for (String leftover : List.of(".shard-0-12.part", ".manifest-1", ".probe-2")) {
      Files.writeString(store.resolve(leftover), "cut");
    }
    assertThat(TokenEtl.prepare(spark, request, 1).manifest()).isEqualTo(first.manifest());
    try (Stream<Path> left = Files.list(store)) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .noneMatch(name -> name.matches("\\.(shard|manifest|probe)-.*"));
    }

    Files.writeString(file, String.join("\n\n", TEXTS) + " One more.");
    assertThat(TokenEtl.prepare(spark, request, 1).reused()).isFalse();
  }

  @Test
  void oneLongDocumentIsSplitInChunksWithoutOverlap() throws Exception {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 8000; i++) {
      text.append(String.format("%07d ", i)); // every 8 bytes occur once
    }
    Path file = directory.resolve("one.txt");
    Files.writeString(file, text);
    Corpus corpus = new Corpus.TextFiles(file.toString(), Optional.empty());
    PreparedTokens prepared = TokenEtl.prepare(spark, request(corpus, "cache"), 2);
    StoreManifest manifest = prepared.manifest();
    assertThat(manifest.splitRule()).startsWith("chunks of ");
    assertThat(manifest.documents()).isEqualTo(1);
    assertThat(manifest.train().textBytes() + manifest.validation().textBytes())
        .isEqualTo(text.length() - 1); // the last space is stripped
    double share = (double) manifest.validation().tokens() / manifest.train().tokens();
    assertThat(share).isBetween(0.05, 0.25);
    List<String> train = words(prepared, Split.TRAIN);
    List<String> validation = words(prepared, Split.VALIDATION);
    assertThat(validation).isNotEmpty().doesNotContainAnyElementsOf(train);
  }

  @Test
  void aTinyCorpusStillGetsAValidationSplit() throws Exception {
    Path file = directory.resolve("tiny.txt");
    Files.writeString(file, "x".repeat(40 * LENGTH));
    Corpus corpus = new Corpus.TextFiles(file.toString(), Optional.empty());
    DataRequest request =
        new DataRequest(corpus, "bytes", Optional.empty(), false, 0.001, cache("tiny"), LENGTH, 7);
    StoreManifest manifest = TokenEtl.prepare(spark, request, 2).manifest();
    assertThat(manifest.validation().sequences()).isPositive();
    assertThat(manifest.train().sequences()).isGreaterThan(20);
  }

  @Test
  void equalDocumentsThatCannotBeSplitAreExplained() {
    List<String> equal = Collections.nCopies(400, "the same text again");
    spark.createDataset(equal, Encoders.STRING()).toDF("text").createOrReplaceTempView("equal");
    assertThatThrownBy(
            () ->
                TokenEtl.prepare(
                    spark, request(new Corpus.Sql("select * from equal", "text"), "equal"), 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("equal documents go to the same side")
        .hasMessageContaining("data.validation-fraction = 0");
  }

  @Test
  void noValidationIsMadeWhenNoneIsWanted() throws Exception {
    Path file = directory.resolve("all.txt");
    Files.writeString(file, "x".repeat(10 * LENGTH));
    Corpus corpus = new Corpus.TextFiles(file.toString(), Optional.empty());
    DataRequest request =
        new DataRequest(corpus, "bytes", Optional.empty(), false, 0, cache("all"), LENGTH, 7);
    PreparedTokens prepared = TokenEtl.prepare(spark, request, 2);
    assertThat(prepared.manifest().train().sequences()).isEqualTo(10);
    assertThat(prepared.manifest().validation().shards()).isEmpty();
  }

  @Test
  void nullEmptyAndRepeatedTextsAreCounted() throws Exception {
    Path file = directory.resolve("some.jsonl");
    StringBuilder json = new StringBuilder();
    for (int i = 0; i < 5; i++) { // the same long text, five times
      json.append("{\"text\": \"" + "abcdefgh".repeat(300_000) + "\"}\n");
    }
    json.append("{\"text\": null}\n{\"other\": 1}\n{\"text\": \"\"}\n");
    Files.writeString(file, json);
    DataRequest request =
        new DataRequest(
            new Corpus.JsonLines(file.toString(), "text"),
            "bytes",
            Optional.empty(),
            false,
            0,
            cache("some"),
            1000,
            7);
    StoreManifest manifest = TokenEtl.prepare(spark, request, 1).manifest();
    assertThat(manifest.documents()).isEqualTo(5);
    assertThat(manifest.nullTexts()).isEqualTo(2);
    assertThat(manifest.emptyTexts()).isEqualTo(1);
    assertThat(manifest.train().pieces()).isEqualTo(5);
    assertThat(manifest.train().textBytes()).isEqualTo(5 * 2_400_000L);
    assertThat(manifest.train().tokens()).isEqualTo(5 * 2_400_001L);
  }

  @Test
  void documentsThatSpellSpecialTokensAreCounted() throws Exception {
    TokenizerDescription tokenizer =
        TokenizerDescription.read(
            TinyTokenizer.write(directory, "</s>").toString(),
            Optional.empty(),
            false,
            HadoopPath.opener(spark.sparkContext().hadoopConfiguration()));
    List<String> texts = List.of("ab</s>ab</s>", "ab < /s>", "abc", "</s>", "ab</s");
    spark.createDataset(texts, Encoders.STRING()).toDF("text").createOrReplaceTempView("tags");
    CorpusReader corpus = CorpusReader.open(spark, new Corpus.Sql("tags", "text"), cache("tags"));
    ReadReport report = new ReadReport();
    for (Row row : TokenRows.of(corpus, tokenizer, 1).filter("target = 1").collectAsList()) {
      report.add(TokenRows.report(row));
    }
    assertThat(report.documents()).isEqualTo(5);
    assertThat(report.spellingTexts()).isEqualTo(2);
  }

  @Test
  void aTokenizerFileGivesItsOwnTokens() throws Exception {
    Path tokenizer = TinyTokenizer.write(directory, "</s>");
    Path file = directory.resolve("abc.txt");
    Files.writeString(file, "abc ab cab ".repeat(200));
    DataRequest request =
        new DataRequest(
            new Corpus.TextFiles(file.toString(), Optional.empty()),
            tokenizer.toString(),
            Optional.empty(),
            false,
            0,
            cache("tiny-bpe"),
            LENGTH,
            7);
    PreparedTokens prepared = TokenEtl.prepare(spark, request, 1);
    StoreManifest manifest = prepared.manifest();
    assertThat(manifest.vocabulary()).isEqualTo(8);
    assertThat(manifest.endOfText()).isEqualTo(7);
    // 200 times "abc", " ab", " ", "c", "ab"; between them a space, the first of them without
    assertThat(manifest.train().tokens()).isEqualTo(200 * 5 + 199 + 1);
    assertThat(manifest.train().bytesPerToken()).isBetween(1.8, 1.9);
  }

  private List<Integer> oracleStream(SplitRule rule, Split wanted) {
    record Keyed(long high, long low, String text) {}
    List<Keyed> documents = new ArrayList<>();
    for (String text : TEXTS) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      ByteBuffer key = ByteBuffer.wrap(Sha256.digest().digest(bytes));
      documents.add(new Keyed(key.getLong(), key.getLong(), text));
    }
    documents.sort(Comparator.comparingLong(Keyed::high).thenComparingLong(Keyed::low));
    List<Integer> stream = new ArrayList<>();
    for (Keyed document : documents) {
      StoredDocument stored = new StoredDocument(document.high(), document.low(), 0, List.of());
      rule.split(
          stored,
          document.text().length(), // ASCII
          (split, start, end) -> {
            if (split == wanted) {
              document.text().chars().forEach(stream::add);
              stream.add(256);
            }
          });
    }
    return stream;
  }

  private static List<String> sequences(PreparedTokens prepared, Split split) {
    List<String> sequences = new ArrayList<>();
    try (PackedStore store = PackedStore.open(prepared.location(), split)) {
      int[] tokens = new int[store.sequenceLength() + 1];
      for (long i = 0; i < store.sequences(); i++) {
        store.read(i, tokens, 0);
        List<Integer> list = new ArrayList<>();
        for (int token : tokens) {
          list.add(token);
        }
        sequences.add(list.toString());
      }
    }
    return sequences;
  }

  /** Whole 7-digit numbers in the sequences of a split. */
  private static List<String> words(PreparedTokens prepared, Split split) {
    List<String> words = new ArrayList<>();
    try (PackedStore store = PackedStore.open(prepared.location(), split);
        Tokenizer tokenizer = new ByteTokenizer()) {
      int[] tokens = new int[store.sequenceLength() + 1];
      for (long i = 0; i < store.sequences(); i++) {
        store.read(i, tokens, 0);
        Stream.of(tokenizer.decode(tokens).split(" "))
            .filter(word -> word.length() == 7)
            .forEach(words::add);
      }
    }
    return words;
  }

  private static List<String> files(Path cache, String suffix) throws IOException {
    List<String> files = new ArrayList<>();
    try (Stream<Path> found = Files.walk(cache)) {
      for (Path file : found.filter(path -> path.toString().endsWith(suffix)).sorted().toList()) {
        files.add(file.getFileName() + " " + Sha256.hex(Files.readAllBytes(file)));
      }
    }
    return files;
  }

  private DataRequest request(Corpus corpus, String cache) {
    return new DataRequest(corpus, "bytes", Optional.empty(), false, 0.1, cache(cache), LENGTH, 7);
  }

  private String cache(String name) {
    return directory.resolve(name).toString();
  }
}
