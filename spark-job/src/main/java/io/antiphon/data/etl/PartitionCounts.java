package io.antiphon.data.etl;

import io.antiphon.data.text.ReadReport;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * What one partition of sorted token rows tells the driver.
 *
 * @param counts for each candidate rule
 * @param report of the reading tasks whose reports came to this partition
 */
record PartitionCounts(List<SplitCounts> counts, ReadReport report) implements Serializable {

  /** Counts the documents; {@code reportTarget} marks the rows that are reports. */
  static PartitionCounts of(
      Iterator<Row> rows, int reportTarget, List<SplitRule> rules, int tokenBytes) {
    ReadReport report = new ReadReport();
    Iterator<Row> documents = new DocumentRows(rows, reportTarget, report);
    return new PartitionCounts(
        SplitCounts.of(StoredDocument.of(documents), rules, tokenBytes), report);
  }

  /** Rows of documents only. */
  static Iterator<Row> documents(Iterator<Row> rows, int reportTarget) {
    return new DocumentRows(rows, reportTarget, new ReadReport());
  }

  private static final class DocumentRows implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final int reportTarget;
    private final ReadReport report;
    private @Nullable Row next;

    private DocumentRows(Iterator<Row> rows, int reportTarget, ReadReport report) {
      this.rows = rows;
      this.reportTarget = reportTarget;
      this.report = report;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        Row row = rows.next();
        if (row.getInt(0) == reportTarget) {
          report.add(TokenRows.report(row));
        } else {
          next = row;
        }
      }
      return next != null;
    }

    @Override
    public Row next() {
      Row row = hasNext() ? next : null;
      if (row == null) {
        throw new NoSuchElementException();
      }
      next = null;
      return row;
    }
  }
}
