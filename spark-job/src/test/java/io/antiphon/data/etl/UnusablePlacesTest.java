package io.antiphon.data.etl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.DataRequest;
import io.antiphon.data.SparkForTests;
import io.antiphon.data.files.FullFileSystem;
import io.antiphon.data.routing.RoutingTableWriter;
import io.antiphon.data.store.StoreLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every setting that names a place says in one line what is wrong with it. */
@Tag("spark")
final class UnusablePlacesTest {
  private static final String S3A = "s3a://bucket/x";

  private final SparkSession spark = SparkForTests.session();
  private final Path directory;
  private final String text;
  private final String cache;

  UnusablePlacesTest(@TempDir Path directory) throws IOException {
    this.directory = directory;
    this.text = Files.writeString(directory.resolve("a.txt"), "some text\n".repeat(200)).toString();
    this.cache = directory.resolve("cache").toString();
  }

  @Test
  void aFileSystemWithoutItsModuleIsNamedWithItsSetting() {
    Corpus here = new Corpus.TextFiles(text, Optional.empty());
    assertNamesTheModule("data.text", new Corpus.TextFiles(S3A, Optional.empty()), "bytes", cache);
    assertNamesTheModule("data.jsonl", new Corpus.JsonLines(S3A, "text"), "bytes", cache);
    assertNamesTheModule("data.parquet", new Corpus.ParquetFiles(S3A, "text"), "bytes", cache);
    assertNamesTheModule(
        "data.sql", new Corpus.Sql("select * from parquet.`" + S3A + "`", "text"), "bytes", cache);
    assertNamesTheModule("data.tokenizer", here, S3A, cache);
    assertNamesTheModule("data.cache-dir", here, "bytes", S3A);
    assertNamesTheModule(
        "data.cache-dir", new Corpus.TextFiles("classpath:corpus", Optional.empty()), "bytes", S3A);
    assertThat(refused(() -> new StoreLocation(S3A, Map.of()).manifest()))
        .startsWith("data.cache-dir: ")
        .contains("hadoop-aws");
    assertThat(refused(() -> RoutingTableWriter.lastStep(spark, S3A)))
        .startsWith("monitor.record-routing: ")
        .contains("hadoop-aws");
  }

  @Test
  void aFullDiskIsNamedWithItsSetting() {
    FullFileSystem.configuration()
        .getValByRegex("fs\\.full\\..*")
        .forEach(spark.sparkContext().hadoopConfiguration()::set);
    String full = FullFileSystem.address(directory.resolve("full"));
    for (String corpus : new String[] {text, "classpath:corpus"}) {
      String message =
          refused(() -> prepare(new Corpus.TextFiles(corpus, Optional.empty()), "bytes", full));
      assertThat(message)
          .contains("data.cache-dir", "No space left on device", "enough space")
          .doesNotContain("\n", "FSError");
    }
    assertThat(refused(() -> RoutingTableWriter.lastStep(spark, full)))
        .startsWith("monitor.record-routing: cannot write to " + full)
        .contains("No space left on device");
  }

  private void assertNamesTheModule(
      String setting, Corpus corpus, String tokenizer, String cacheDir) {
    assertThat(refused(() -> prepare(corpus, tokenizer, cacheDir)))
        .startsWith(setting + ": ")
        .contains("spark-submit --packages org.apache.hadoop:hadoop-aws:")
        .doesNotContain("\n");
  }

  private void prepare(Corpus corpus, String tokenizer, String cacheDir) {
    TokenEtl.prepare(
        spark,
        new DataRequest(corpus, tokenizer, Optional.empty(), false, 0.1, cacheDir, 16, 1),
        1);
  }

  private static String refused(Runnable action) {
    DataException refusal = catchThrowableOfType(DataException.class, action::run);
    assertThat(refusal).isNotNull();
    return String.valueOf(refusal.getMessage());
  }
}
