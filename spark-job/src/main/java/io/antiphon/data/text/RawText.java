package io.antiphon.data.text;

import java.io.Serializable;

/** What a reader found where a document should be. */
public sealed interface RawText extends Serializable {
  /** A document. */
  record Document(String text) implements RawText {}

  /** A row whose text is null. */
  record Null() implements RawText {}

  /**
   * A JSON object without the column.
   *
   * @param columns those of its members that are strings, the first ones
   */
  record NoColumn(String columns) implements RawText {}

  /**
   * Something that cannot be read.
   *
   * @param path of the file
   * @param offset of its line
   * @param reason why
   */
  record Corrupt(String path, long offset, String reason) implements RawText {}
}
