package io.antiphon.data.text;

import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.NoSuchElementException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Documents of one slice of a text file: those whose separator line begins in it, and the text
 * before the first separator for the slice at the file's start. White space around a document is
 * dropped, line ends become line feeds, malformed UTF-8 becomes the replacement character.
 */
final class TextDocuments implements DocumentReader {
  private final FileSlice slice;
  private final @Nullable Pattern separator;
  private final Lines lines;
  private @Nullable String heading; // of the document to read next; null when there is none
  private boolean unread; // whether the current line is still to be read

  private TextDocuments(FileSlice slice, @Nullable Pattern separator, Configuration configuration) {
    this.slice = slice;
    this.separator = separator;
    try {
      this.lines = slice.lines(configuration);
      this.heading = slice.start() == 0 ? untilText() : firstHeading();
      closeAtEnd();
    } catch (IOException failure) {
      throw unreadable(failure);
    }
  }

  /** The whole file as one document. */
  static TextDocuments whole(FileSlice slice, Configuration configuration) {
    return new TextDocuments(slice, null, configuration);
  }

  /** Documents that start at lines in which {@code separator} is found. */
  static TextDocuments separated(FileSlice slice, Pattern separator, Configuration configuration) {
    return new TextDocuments(slice, separator, configuration);
  }

  @Override
  public boolean hasNext() {
    return heading != null;
  }

  @Override
  public RawText next() {
    String first = heading;
    if (first == null) {
      throw new NoSuchElementException();
    }
    try {
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      text.writeBytes(first.getBytes(StandardCharsets.UTF_8));
      heading = null;
      while (heading == null && (unread || lines.next())) {
        unread = false;
        heading = heading(lines);
        if (heading == null) {
          append(text);
        } else if (lines.offset() >= slice.end()) {
          heading = null; // the next slice's document
          break;
        }
      }
      closeAtEnd();
      return new RawText.Document(text.toString(StandardCharsets.UTF_8).strip());
    } catch (IOException failure) {
      throw unreadable(failure);
    }
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  private void append(ByteArrayOutputStream text) {
    if (text.size() + (long) lines.length() >= Lines.MAX_BYTES) {
      throw new DataException(
          lines.path()
              + " has a document of more than "
              + (Lines.MAX_BYTES >> 20)
              + " MiB; set data.document-separator to a regular expression found in the lines where"
              + " documents start");
    }
    text.write('\n');
    text.write(lines.bytes(), 0, lines.length());
  }

  /** Skips blank lines at the start of a file: before a separator they are no document. */
  private @Nullable String untilText() throws IOException {
    while (lines.next()) {
      if (!lines.isBlank()) {
        String found = heading(lines);
        unread = found == null;
        return found == null ? "" : lines.offset() < slice.end() ? found : null;
      }
    }
    return null;
  }

  private @Nullable String firstHeading() throws IOException {
    while (lines.next() && lines.offset() < slice.end()) {
      String found = heading(lines);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** What a separator line leaves of itself; null if the line is none. */
  private @Nullable String heading(Lines line) {
    Pattern expression = separator;
    if (expression == null) {
      return null;
    }
    Matcher matcher = expression.matcher(line.text());
    if (!matcher.find()) {
      return null;
    }
    String kept = matcher.groupCount() > 0 ? matcher.group(1) : "";
    return kept == null ? "" : kept;
  }

  private void closeAtEnd() throws IOException {
    if (heading == null) {
      lines.close();
    }
  }

  private DataException unreadable(IOException failure) {
    return new DataException(
        "cannot read " + slice.path() + ": " + Failures.reason(failure), failure);
  }
}
