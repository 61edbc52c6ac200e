package io.antiphon.submit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Count matrices from a stream of JSON objects {@code {"counts": [[...], ...]}}, read token by
 * token so that memory does not depend on the size of the file. Other keys of an object are
 * skipped.
 */
final class PlanInput implements AutoCloseable {
  private static final int MAX_TEXT = 1 << 20;
  private static final int MAX_VALUE = 40;
  private static final int MAX_REASON = 200;
  private static final String EXPECTED = "{\"counts\": [[counts of rank 0], [of rank 1], ...]}";

  // Field names are not cached: distinct names in a long file would pile up.
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // NaN: refused as a value, not as JSON
          .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(MAX_TEXT).build())
          .build();

  private final String name;
  private final PlanBytes bytes;
  private final JsonParser parser;
  private int objectLine;

  private PlanInput(String name, InputStream bytes) throws IOException {
    this.name = name;
    this.bytes = new PlanBytes(bytes);
    this.parser = JSON.createParser(this.bytes);
  }

  /**
   * One matrix and where it stood.
   *
   * @param source file and line, for messages
   */
  record Matrix(String source, PlanCounts counts) {}

  /** Opens {@code file}; {@code -} is standard input. */
  static PlanInput open(String file) {
    String name = file.equals("-") ? "standard input" : shown(file, MAX_REASON);
    try {
      return new PlanInput(name, file.equals("-") ? System.in : newInputStream(file));
    } catch (NoSuchFileException e) {
      throw new PlanInputException(
          name + ": no such file. Give --counts an existing file, or - for standard input.");
    } catch (AccessDeniedException e) {
      throw new PlanInputException(name + ": not readable. Grant read access to it.");
    } catch (InvalidPathException e) {
      throw new PlanInputException(name + ": not a file name. Give --counts an existing file.");
    } catch (IOException e) {
      throw new PlanInputException(
          name + ": cannot be opened (" + reason(e) + "). Give --counts a JSON file.");
    }
  }

  private static InputStream newInputStream(String file) throws IOException {
    Path path = Path.of(file);
    if (Files.isDirectory(path)) {
      throw new IOException("it is a directory");
    }
    return Files.newInputStream(path);
  }

  /** The next matrix, or empty at the end of the input. */
  Optional<Matrix> next() {
    objectLine = 0;
    bytes.startObject();
    try {
      JsonToken token = parser.nextToken();
      if (token == null) {
        return Optional.empty();
      }
      objectLine = parser.currentTokenLocation().getLineNr();
      if (token != JsonToken.START_OBJECT) {
        throw new PlanInputException(value() + " is not an object. Write " + EXPECTED + ".");
      }
      PlanCounts counts = readObject();
      return Optional.of(new Matrix(name + ", line " + objectLine, counts));
    } catch (PlanInputException e) {
      throw located(parser.currentTokenLocation().getLineNr(), e.getMessage());
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** Name of the input, for messages. */
  String name() {
    return name;
  }

  @Override
  public void close() {
    try {
      parser.close(); // and with it the bytes
    } catch (IOException e) {
      throw new PlanInputException(name + ": cannot be closed (" + reason(e) + ").");
    }
  }

  private PlanCounts readObject() throws IOException {
    PlanCounts counts = new PlanCounts();
    boolean found = false;
    while (parser.nextToken()
        != JsonToken.END_OBJECT) { // never null: an end of input here is an error
      boolean isCounts = parser.currentName().equals("counts");
      parser.nextToken();
      if (!isCounts) {
        skipValue();
      } else if (found) {
        throw new PlanInputException(
            "the object has \"counts\" twice. Write one object per matrix.");
      } else {
        readMatrix(counts);
        found = true;
      }
    }
    if (!found) {
      throw new PlanInputException("the object has no \"counts\". Write " + EXPECTED + ".");
    }
    return counts;
  }

  private void readMatrix(PlanCounts counts) throws IOException {
    requireArray("\"counts\" is");
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      requireArray("a row of \"counts\" is");
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        counts.add(readCount(counts));
      }
      counts.endRow();
    }
    counts.end();
  }

  private void requireArray(String what) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw new PlanInputException(
          what + " " + value() + ", not an array. Write " + EXPECTED + ".");
    }
  }

  private long readCount(PlanCounts counts) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw new PlanInputException(
          counts.position()
              + ": "
              + value()
              + " is not a whole number. Write counts in [0, 2147483647].");
    }
    if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      throw new PlanInputException(
          counts.position()
              + ": count "
              + value()
              + " is outside [0, 2147483647]. Correct the count.");
    }
    return parser.getLongValue();
  }

  private void skipValue() throws IOException {
    int depth = 0;
    do {
      if (parser.currentToken().isStructStart()) {
        depth++;
      } else if (parser.currentToken().isStructEnd()) {
        depth--;
      }
      if (depth > 0) {
        parser.nextToken();
      }
    } while (depth > 0);
  }

  private String value() throws IOException {
    JsonToken token = parser.currentToken();
    if (token == JsonToken.START_ARRAY) {
      return "an array";
    }
    if (token == JsonToken.START_OBJECT) {
      return "an object";
    }
    String text = shown(parser.getText(), MAX_VALUE);
    return token == JsonToken.VALUE_STRING ? '"' + text + '"' : text;
  }

  private PlanInputException unreadable(IOException e) {
    if (e instanceof JsonEOFException) {
      return located(objectLine, "the input ends inside an object. Complete it or remove it.");
    }
    if (e instanceof StreamConstraintsException) {
      return located(
          parser.currentLocation().getLineNr(),
          "a number, a text or the nesting is too large for counts. Write " + EXPECTED + ".");
    }
    if (e instanceof JsonParseException syntax) {
      String cause = shown(syntax.getOriginalMessage(), MAX_REASON);
      return located(
          parser.currentLocation().getLineNr(),
          "not JSON: " + cause + ". Write " + EXPECTED + ", one object per matrix.");
    }
    return located(
        parser.currentLocation().getLineNr(),
        "cannot be read (" + reason(e) + "). Check the file and its disk.");
  }

  private PlanInputException located(int line, String message) {
    String start =
        objectLine > 0 && objectLine != line ? " (object of line " + objectLine + ")" : "";
    return new PlanInputException(name + ", line " + line + start + ": " + message);
  }

  private static String reason(IOException e) {
    return shown(String.valueOf(e.getMessage()), MAX_REASON);
  }

  /** Foreign text as part of a message on one line. */
  private static String shown(String text, int limit) {
    String printable = text.replaceAll("[\\p{Cc}\\p{Zl}\\p{Zp}]", "?");
    return printable.length() <= limit ? printable : printable.substring(0, limit) + "...";
  }
}
