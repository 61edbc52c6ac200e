package io.antiphon.data.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import io.antiphon.data.DataException;
import io.antiphon.data.files.Failures;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/**
 * Documents of one slice of a file with a JSON object per line; empty lines are passed over.
 * Members other than the text may hold what JSON forbids and programs write: NaN and Infinity, and
 * numbers, names and nesting of any length.
 */
final class JsonDocuments implements DocumentReader {
  private static final int MAX_DEPTH = 1_000_000; // a level takes memory
  private static final int MAX_COLUMNS = 50; // kept for a message
  private static final int MAX_NAME = 100;

  /** Advice that the library gives to programmers in its messages. */
  private static final Pattern ADVICE =
      Pattern.compile("[:,;]? ?[(]?(enable|use) `?JsonReadFeature\\.\\w+`?( to allow)?[)]?");

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(JsonReadFeature.ALLOW_LEADING_ZEROS_FOR_NUMBERS)
          .enable(JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS)
          .enable(JsonReadFeature.ALLOW_LEADING_DECIMAL_POINT_FOR_NUMBERS)
          .enable(JsonReadFeature.ALLOW_TRAILING_DECIMAL_POINT_FOR_NUMBERS)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(Lines.MAX_BYTES)
                  .maxNameLength(Lines.MAX_BYTES)
                  .maxNumberLength(Lines.MAX_BYTES)
                  .maxNestingDepth(MAX_DEPTH)
                  .build())
          .build();

  private final FileSlice slice;
  private final String column;
  private final Lines lines;
  private @Nullable RawText next;

  JsonDocuments(FileSlice slice, String column, Configuration configuration) {
    this.slice = slice;
    this.column = column;
    try {
      this.lines = slice.lines(configuration);
      this.next = read();
    } catch (IOException failure) {
      throw unreadable(failure);
    }
  }

  @Override
  public boolean hasNext() {
    return next != null;
  }

  @Override
  public RawText next() {
    RawText current = next;
    if (current == null) {
      throw new NoSuchElementException();
    }
    try {
      next = read();
    } catch (IOException failure) {
      throw unreadable(failure);
    }
    return current;
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  private @Nullable RawText read() throws IOException {
    while (lines.next() && lines.offset() < slice.end()) {
      if (!lines.isBlank()) {
        return parse();
      }
    }
    lines.close();
    return null;
  }

  private RawText parse() {
    try (JsonParser parser = JSON.createParser(lines.bytes(), 0, lines.length())) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return corrupt("it is not a JSON object");
      }
      RawText found = null;
      List<String> columns = new ArrayList<>();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken value = parser.nextToken();
        if (value == JsonToken.VALUE_STRING && columns.size() < MAX_COLUMNS) {
          columns.add(name.length() > MAX_NAME ? name.substring(0, MAX_NAME) + "..." : name);
        }
        if (name.equals(column)) {
          found =
              switch (value) {
                case VALUE_STRING -> new RawText.Document(parser.getText());
                case VALUE_NULL -> new RawText.Null();
                default -> corrupt("'" + column + "' is " + kind(value) + ", not a string");
              };
        }
        parser.skipChildren();
      }
      if (parser.nextToken() != null) {
        return corrupt("there is more after the JSON object");
      }
      return found == null ? new RawText.NoColumn(String.join(", ", columns)) : found;
    } catch (StreamConstraintsException limit) {
      return corrupt("it nests deeper than " + MAX_DEPTH + " levels");
    } catch (JsonProcessingException failure) {
      return corrupt(failure.getOriginalMessage());
    } catch (IOException malformedText) {
      return corrupt(Failures.reason(malformedText));
    }
  }

  private RawText corrupt(String reason) {
    String line = ADVICE.matcher(reason.lines().findFirst().orElse(reason)).replaceAll("");
    return new RawText.Corrupt(lines.path(), lines.offset(), line);
  }

  private static String kind(JsonToken value) {
    return switch (value) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "an array";
      default -> value.isNumeric() ? "a number" : value.name().toLowerCase(Locale.ROOT);
    };
  }

  private DataException unreadable(IOException failure) {
    return new DataException(
        "cannot read " + slice.path() + ": " + Failures.reason(failure), failure);
  }
}
