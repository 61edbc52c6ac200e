package io.antiphon.data.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.SparkForTests;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("spark")
class CorpusReaderTest {
  private final SparkSession spark = SparkForTests.session();
  private final Path directory;

  CorpusReaderTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void aQueryMayBeginWithComments() {
    for (String query :
        new String[] {
          "/* a */ select 'x' as text",
          "-- a\n  -- b\n/* c\n */\nSELECT 'x' as text",
          "\n(select 'x' as text)",
        }) {
      assertThat(open(new Corpus.Sql(query, "text")).rows().collectAsList().get(0).getString(0))
          .isEqualTo("x");
    }
  }

  @Test
  void aColumnThatHoldsNoStringIsExplainedByWhatWorks() {
    String parquet = directory.resolve("parquet").toString();
    spark
        .sql(
            "select cast('x' as binary) as text, named_struct('content', 'x', 'n', 1) as doc,"
                + " 7 as number")
        .write()
        .parquet(parquet);
    Corpus binary = new Corpus.ParquetFiles(parquet, "text");
    assertRefused(
        binary,
        "column 'text' of '" + parquet + "' is binary, not string",
        "data.sql = \"select cast(text as string) as text from parquet.`" + parquet + "`\"");
    assertRefused(
        new Corpus.ParquetFiles(parquet, "doc.content"),
        "has no column 'doc.content'",
        "select doc.content as text from");
    assertRefused(
        new Corpus.ParquetFiles(parquet, "doc"), "is struct<", "select doc.content as text from");
    assertRefused(
        new Corpus.Sql("select 1 as a, 'x' as texts, 'y' as other", "text"),
        "did you mean 'texts'",
        "set data.text-column to one of: texts, other");
    assertRefused(new Corpus.Sql("select 1 as a", "a"), "is int, not string", "select ... as text");
  }

  private void assertRefused(Corpus corpus, String... messages) {
    assertThatThrownBy(() -> open(corpus))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(corpus.setting() + ": ")
        .hasMessageContainingAll(messages);
  }

  private CorpusReader open(Corpus corpus) {
    return CorpusReader.open(spark, corpus, directory.resolve("cache").toString());
  }
}
