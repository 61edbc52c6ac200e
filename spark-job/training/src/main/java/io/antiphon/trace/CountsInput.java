package io.antiphon.trace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import io.antiphon.conf.Printable;
import java.io.CharConversionException;
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
 * token so that memory does not depend on the size of the file. In a trace, {@code "step"} and
 * {@code "layer"} may stand beside the counts: without them, matrices are consecutive steps of
 * layer 0. Other keys of an object are skipped.
 */
public final class CountsInput implements RoutingTrace {
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
  private final ObjectBytes bytes;
  private final JsonParser parser;
  private final boolean trace;
  private int objectLine;
  private long records;
  private long step;
  private long layer;

  private CountsInput(String name, InputStream bytes, boolean trace) throws IOException {
    this.name = name;
    this.trace = trace;
    this.bytes = new ObjectBytes(bytes);
    this.parser = JSON.createParser(this.bytes);
  }

  /**
   * Opens {@code file}; {@code -} is standard input.
   *
   * @param option what the user named the file with, for messages
   * @throws TraceException if it cannot be opened
   */
  public static CountsInput open(String option, String file) {
    return open(option, file, false);
  }

  /** Does what {@link #open} does, and reads {@code "step"} and {@code "layer"}. */
  public static CountsInput openTrace(String option, String file) {
    return open(option, file, true);
  }

  private static CountsInput open(String option, String file, boolean trace) {
    String name = file.equals("-") ? "standard input" : shown(file, MAX_REASON);
    try {
      return new CountsInput(name, file.equals("-") ? System.in : newInputStream(file), trace);
    } catch (NoSuchFileException e) {
      throw new TraceException(
          name + ": no such file. Give " + option + " an existing file, or - for standard input.");
    } catch (AccessDeniedException e) {
      throw new TraceException(name + ": not readable. Grant read access to it.");
    } catch (InvalidPathException e) {
      throw new TraceException(name + ": not a file name. Give " + option + " an existing file.");
    } catch (CharConversionException e) { // the first bytes read like an unusual UTF-32
      throw new TraceException(
          name + ", line 1: not UTF-8 text (" + reason(e) + "). Convert it to UTF-8.");
    } catch (IOException e) {
      throw new TraceException(
          name + ": cannot be opened (" + reason(e) + "). Give " + option + " a JSON file.");
    }
  }

  private static InputStream newInputStream(String file) throws IOException {
    Path path = Path.of(file);
    if (Files.isDirectory(path)) {
      throw new IOException("it is a directory");
    }
    return Files.newInputStream(path);
  }

  @Override
  public Optional<RoutingRecord> next() {
    objectLine = 0;
    bytes.startObject();
    try {
      JsonToken token = parser.nextToken();
      if (token == null) {
        return Optional.empty();
      }
      objectLine = parser.currentTokenLocation().getLineNr();
      if (token != JsonToken.START_OBJECT) {
        throw new TraceException(value() + " is not an object. Write " + EXPECTED + ".");
      }
      step = records;
      layer = 0;
      CountMatrix counts = readObject();
      records++;
      return Optional.of(
          new RoutingRecord(name + ", line " + objectLine, step, Math.toIntExact(layer), counts));
    } catch (TraceException e) {
      throw located(parser.currentTokenLocation().getLineNr(), e.getMessage());
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void close() {
    try {
      parser.close(); // and with it the bytes
    } catch (IOException e) {
      throw new TraceException(name + ": cannot be closed (" + reason(e) + ").");
    }
  }

  private CountMatrix readObject() throws IOException {
    CountMatrix counts = new CountMatrix();
    boolean found = false;
    while (parser.nextToken()
        != JsonToken.END_OBJECT) { // never null: an end of input here is an error
      String key = parser.currentName();
      parser.nextToken();
      if (trace && key.equals("step")) {
        step = readNumber(key, Long.MAX_VALUE);
      } else if (trace && key.equals("layer")) {
        layer = readNumber(key, Integer.MAX_VALUE);
      } else if (!key.equals("counts")) {
        skipValue();
      } else if (found) {
        throw new TraceException("the object has \"counts\" twice. Write one object per matrix.");
      } else {
        readMatrix(counts);
        found = true;
      }
    }
    if (!found) {
      throw new TraceException("the object has no \"counts\". Write " + EXPECTED + ".");
    }
    return counts;
  }

  private long readNumber(String key, long most) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
        || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
        || parser.getLongValue() < 0
        || parser.getLongValue() > most) {
      throw new TraceException(
          '"' + key + "\" is " + value() + ". Write a whole number in [0, " + most + "].");
    }
    return parser.getLongValue();
  }

  private void readMatrix(CountMatrix counts) throws IOException {
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
      throw new TraceException(what + " " + value() + ", not an array. Write " + EXPECTED + ".");
    }
  }

  private long readCount(CountMatrix counts) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw new TraceException(
          counts.position()
              + ": "
              + value()
              + " is not a whole number. Write counts in [0, 2147483647].");
    }
    if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      throw new TraceException(
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

  private TraceException unreadable(IOException e) {
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

  private TraceException located(int line, String message) {
    String start =
        objectLine > 0 && objectLine != line ? " (object of line " + objectLine + ")" : "";
    return new TraceException(name + ", line " + line + start + ": " + message);
  }

  private static String reason(IOException e) {
    return shown(String.valueOf(e.getMessage()), MAX_REASON);
  }

  /** Foreign text as part of a message on one line. */
  private static String shown(String text, int limit) {
    return Printable.cut(text, limit);
  }
}
