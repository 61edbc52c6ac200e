package io.antiphon.data.etl;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * A tokenised document.
 *
 * @param high first half of its key
 * @param low second half
 * @param textBytes UTF-8 bytes of its text
 * @param segments its encoded tokens, in order
 */
record StoredDocument(long high, long low, long textBytes, List<byte[]> segments) {

  long tokens(int tokenBytes) {
    long bytes = 0;
    for (byte[] segment : segments) {
      bytes += segment.length;
    }
    return bytes / tokenBytes;
  }

  /**
   * Documents of rows sorted by key and segment; equal documents come as often as they occurred.
   */
  static Iterator<StoredDocument> of(Iterator<Row> rows) {
    return new Grouped(rows);
  }

  private static final class Grouped implements Iterator<StoredDocument> {
    private final Iterator<Row> rows;
    private @Nullable Row ahead;
    private @Nullable StoredDocument document;
    private int copies;

    private Grouped(Iterator<Row> rows) {
      this.rows = rows;
      this.ahead = rows.hasNext() ? rows.next() : null;
    }

    @Override
    public boolean hasNext() {
      return copies > 0 || ahead != null;
    }

    @Override
    public StoredDocument next() {
      if (copies == 0) {
        group();
      }
      StoredDocument current = document;
      if (current == null) {
        throw new NoSuchElementException();
      }
      copies--;
      return current;
    }

    /** Equal documents lie segment by segment beside each other: keep one of each, count them. */
    private void group() {
      Row row = ahead;
      if (row == null) {
        document = null;
        return;
      }
      long high = row.getLong(1);
      long low = row.getLong(2);
      long textBytes = 0;
      List<byte[]> segments = new ArrayList<>();
      while (row != null && row.getLong(1) == high && row.getLong(2) == low) {
        if (row.getInt(3) == segments.size()) {
          segments.add(row.getAs(5));
          textBytes += row.getLong(4);
        }
        if (row.getInt(3) == 0) {
          copies++;
        }
        row = rows.hasNext() ? rows.next() : null;
      }
      ahead = row;
      document = new StoredDocument(high, low, textBytes, segments);
    }
  }
}
