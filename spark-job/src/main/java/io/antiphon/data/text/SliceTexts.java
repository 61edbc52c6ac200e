package io.antiphon.data.text;

import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;

/** The documents of one task's slices, one after the other. */
final class SliceTexts implements Iterator<RawText> {

  /** Opens a slice on an executor. */
  interface Opener extends Serializable {
    DocumentReader open(FileSlice slice);
  }

  private final Iterator<Row> slices;
  private final Opener opener;
  private @Nullable DocumentReader reader;

  /**
   * The texts of a task.
   *
   * @param slices rows of path, start and end
   */
  SliceTexts(Iterator<Row> slices, Opener opener) {
    this.slices = slices;
    this.opener = opener;
    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) context -> close());
  }

  @Override
  public boolean hasNext() {
    while (reader == null || !reader.hasNext()) {
      if (!slices.hasNext()) {
        return false;
      }
      Row row = slices.next();
      reader = opener.open(new FileSlice(row.getString(0), row.getLong(1), row.getLong(2)));
    }
    return true;
  }

  @Override
  public RawText next() {
    if (!hasNext() || reader == null) {
      throw new NoSuchElementException();
    }
    return reader.next();
  }

  private void close() {
    if (reader != null) {
      try {
        reader.close();
      } catch (IOException ignoredAsTheTaskEnded) {
        reader = null;
      }
    }
  }
}
