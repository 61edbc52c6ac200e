package io.antiphon.data.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.SparkForTests;
import io.antiphon.trace.RoutingRecord;
import io.antiphon.trace.TraceException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("spark")
final class RoutingTableTest {
  private final SparkSession spark = SparkForTests.session();
  private final String directory;

  RoutingTableTest(@TempDir Path directory) {
    this.directory = directory.resolve("routing").toString();
  }

  private List<RoutingRecord> read() {
    List<RoutingRecord> records = new ArrayList<>();
    try (RoutingTableReader reader = RoutingTableReader.open(spark, directory)) {
      for (Optional<RoutingRecord> next = reader.next(); next.isPresent(); next = reader.next()) {
        records.add(next.get());
      }
    }
    return records;
  }

  @Test
  void whatIsWrittenComesBackInTheOrderOfSteps() {
    try (RoutingTableWriter writer = new RoutingTableWriter(spark, directory)) {
      writer.add(2, 0, 2, 4, new int[] {1, 2, 3, 4, 5, 6, 7, 8});
      writer.add(1, 1, 2, 4, new int[] {0, 0, 0, 0, 0, 0, 0, 9});
      writer.flush(); // a file of its own
      writer.add(1, 0, 2, 4, new int[8]);
    }
    List<RoutingRecord> records = read();
    assertThat(records).extracting(RoutingRecord::step).containsExactly(1L, 1L, 2L);
    assertThat(records).extracting(RoutingRecord::layer).containsExactly(0, 1, 0);
    RoutingRecord last = records.get(2);
    assertThat(last.counts().ranks()).isEqualTo(2);
    assertThat(last.counts().experts()).isEqualTo(4);
    assertThat(last.counts().toArray()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
  }

  @Test
  void countsThatAreNoneAreRefused() {
    spark
        .sql(
            "SELECT 3L AS step, 1 AS layer, 2 AS ranks, 2 AS experts, array(1, -2, 3, 4) AS counts")
        .write()
        .parquet(directory);
    assertThatThrownBy(this::read)
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("step 3, layer 1: rank 0, expert 1: count -2 is outside");
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    spark
        .sql("SELECT 3L AS step, 1 AS layer, 2 AS ranks, 3 AS experts, array(1, 2, 3, 4) AS counts")
        .write()
        .parquet(directory);
    assertThatThrownBy(this::read)
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("2 ranks x 3 experts do not fit 4 counts");
  }

  @Test
  void missingValuesAreRefused() {
    spark
        .sql(
            "SELECT 3L AS step, 1 AS layer, 1 AS ranks, 2 AS experts,"
                + " array(1, CAST(NULL AS INT)) AS counts")
        .write()
        .parquet(directory);
    assertThatThrownBy(this::read).hasMessageContaining("a count is missing");
  }

  @Test
  void otherTablesAreRefused() {
    spark.sql("SELECT 'x' AS step, 2 AS layer").write().parquet(directory);
    assertThatThrownBy(this::read)
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("column step of type bigint is missing");
  }

  @Test
  void aMissingDirectoryIsExplained() {
    assertThatThrownBy(this::read)
        .isInstanceOf(TraceException.class)
        .hasMessageContaining("reading routing counts from")
        .hasMessageContaining("Give --trace a directory");
  }

  @Test
  void theWriterRefusesCountsOfAnotherSize() {
    try (RoutingTableWriter writer = new RoutingTableWriter(spark, directory)) {
      assertThatThrownBy(() -> writer.add(1, 1, 2, 2, new int[3]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("counts must have 2 x 2 entries, had 3");
    }
  }
}
