package io.antiphon.data.text;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** What one task met while it read, or all of them after {@link #add(ReadReport)}. */
public final class ReadReport implements Serializable {
  private static final long serialVersionUID = 1;

  private long rows;
  private long documents;
  private long nullTexts;
  private long emptyTexts;
  private long replacedTexts;
  private long spellingTexts;
  private long withoutColumn;
  private String columns = "";
  private long corrupt;
  private RawText.@Nullable Corrupt firstCorrupt;

  /** Counts one row; {@code true} if it is a text to use. */
  public boolean add(RawText raw) {
    rows++;
    if (raw instanceof RawText.Document document) {
      if (document.text().isEmpty()) {
        emptyTexts++;
        return false;
      }
      documents++;
      if (document.text().indexOf('\uFFFD') >= 0) {
        replacedTexts++;
      }
      return true;
    }
    if (raw instanceof RawText.Corrupt found) {
      corrupt++;
      keepFirst(found);
    } else {
      nullTexts++;
      if (raw instanceof RawText.NoColumn absent) {
        withoutColumn++;
        columns = columns.isEmpty() ? absent.columns() : columns;
      }
    }
    return false;
  }

  /** Adds what another task met. */
  public void add(ReadReport other) {
    rows += other.rows;
    documents += other.documents;
    nullTexts += other.nullTexts;
    emptyTexts += other.emptyTexts;
    replacedTexts += other.replacedTexts;
    spellingTexts += other.spellingTexts;
    withoutColumn += other.withoutColumn;
    columns = columns.isEmpty() ? other.columns : columns;
    corrupt += other.corrupt;
    RawText.Corrupt theirs = other.firstCorrupt;
    if (theirs != null) {
      keepFirst(theirs);
    }
  }

  /** Rows read, usable or not. */
  long rows() {
    return rows;
  }

  /** Texts passed on. */
  public long documents() {
    return documents;
  }

  /** Rows whose text is null, or whose object lacks the column. */
  public long nullTexts() {
    return nullTexts;
  }

  /** Texts without any character. */
  public long emptyTexts() {
    return emptyTexts;
  }

  /** Documents with the replacement character, which malformed UTF-8 becomes. */
  public long replacedTexts() {
    return replacedTexts;
  }

  /** Counts a document, already added, that spells a special token. */
  public void addSpelling() {
    spellingTexts++;
  }

  /** Documents that spell a special token. */
  public long spellingTexts() {
    return spellingTexts;
  }

  /** Whether objects were read and none had the column. */
  boolean lacksColumn() {
    return withoutColumn > 0 && withoutColumn == rows - corrupt;
  }

  /** Columns of the first object without the wanted one. */
  String columns() {
    return columns;
  }

  /** Rows that cannot be used. */
  long corrupt() {
    return corrupt;
  }

  /** The first of those, in the order of paths and offsets. */
  RawText.@Nullable Corrupt firstCorrupt() {
    return firstCorrupt;
  }

  private void keepFirst(RawText.Corrupt found) {
    RawText.Corrupt known = firstCorrupt;
    if (known == null
        || found.path().compareTo(known.path()) < 0
        || (found.path().equals(known.path()) && found.offset() < known.offset())) {
      firstCorrupt = found;
    }
  }
}
