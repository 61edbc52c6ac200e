package io.antiphon.train.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.antiphon.conf.Printable;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads one JSON document of an untrusted file front to back: what is not asked for is an error.
 *
 * <p>Every failure, of the text or of the storage, is a {@link CheckpointException} that names the
 * file.
 */
final class JsonCursor implements Closeable {
  private static final int NUMBER_CHARS = 64;

  // No interning: names come from the file, and a table of them would outlive the reader.
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(Limits.JSON_DEPTH)
                  .maxNumberLength(NUMBER_CHARS)
                  .maxStringLength(Limits.TEXT_CHARS)
                  .maxNameLength(2 * Limits.NAME_CHARS)
                  .build())
          .build();

  private final String file;
  private final JsonParser parser;

  /** Begins reading; {@code file} is the name used in messages. */
  JsonCursor(InputStream in, String file) {
    this.file = file;
    try {
      // Decoding here, strictly, keeps the parser from guessing UTF-16 or UTF-32.
      parser = FACTORY.createParser(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** An exception about this file. */
  CheckpointException problem(String reason) {
    return new CheckpointException(file + ": " + reason);
  }

  void expectObject(String what) {
    expect(JsonToken.START_OBJECT, what, "an object");
  }

  void expectArray(String what) {
    expect(JsonToken.START_ARRAY, what, "an array");
  }

  /** The next member's name; empty at the end of the object. */
  Optional<String> nextName() {
    if (advance() == JsonToken.END_OBJECT) {
      return Optional.empty();
    }
    try {
      return Optional.of(parser.currentName());
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Passes the name of a member that must come next. */
  void expectName(String name) {
    Optional<String> found = nextName();
    if (found.filter(name::equals).isEmpty()) {
      throw problem("expected '" + name + "', found " + found.map(Printable::of).orElse("no more"));
    }
  }

  void expectEndOfObject() {
    Optional<String> found = nextName();
    if (found.isPresent()) {
      throw problem("unexpected " + Printable.of(found.get()));
    }
  }

  /** Enters the next object of an array; false at the array's end. */
  boolean nextObject(String what) {
    JsonToken token = advance();
    if (token == JsonToken.END_ARRAY) {
      return false;
    }
    if (token != JsonToken.START_OBJECT) {
      throw unexpected(what, "an object", token);
    }
    return true;
  }

  String text(String what) {
    expect(JsonToken.VALUE_STRING, what, "a string");
    return currentText();
  }

  long whole(String what) {
    expect(JsonToken.VALUE_NUMBER_INT, what, "a whole number");
    return currentWhole(what);
  }

  /** An array of whole numbers, at most {@code limit}. */
  List<Long> wholes(String what, int limit) {
    expectArray(what);
    List<Long> numbers = new ArrayList<>();
    for (JsonToken token = advance(); token != JsonToken.END_ARRAY; token = advance()) {
      if (token != JsonToken.VALUE_NUMBER_INT) {
        throw unexpected(what, "whole numbers", token);
      }
      if (numbers.size() == limit) {
        throw problem(what + " has more than " + limit + " numbers, the limit");
      }
      numbers.add(currentWhole(what));
    }
    return numbers;
  }

  /** A number or string, as a {@link Long}, {@link Double} or {@link String}. */
  Object scalar(String what) {
    JsonToken token = advance();
    if (token == JsonToken.VALUE_STRING) {
      return currentText();
    }
    if (token == JsonToken.VALUE_NUMBER_INT) {
      return currentWhole(what);
    }
    if (token == JsonToken.VALUE_NUMBER_FLOAT) {
      try {
        return parser.getDoubleValue();
      } catch (IOException e) {
        throw failure(e);
      }
    }
    throw unexpected(what, "a number or string", token);
  }

  /** Checks that the document ends here. */
  void expectEnd() {
    try {
      if (parser.nextToken() != null) {
        throw problem("text after the end of the JSON object");
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void close() {
    try {
      parser.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private String currentText() {
    try {
      return parser.getText();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private long currentWhole(String what) {
    try {
      return parser.getLongValue();
    } catch (JsonProcessingException e) {
      throw new CheckpointException(
          file + ": " + what + " is not a 64-bit signed integer: " + reasonOf(e), e);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private void expect(JsonToken expected, String what, String kind) {
    JsonToken token = advance();
    if (token != expected) {
      throw unexpected(what, kind, token);
    }
  }

  private JsonToken advance() {
    try {
      JsonToken token = parser.nextToken();
      if (token == null) {
        throw problem("the JSON text ends too early");
      }
      return token;
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private CheckpointException unexpected(String what, String kind, JsonToken token) {
    return problem(what + " must be " + kind + ", found " + token);
  }

  private CheckpointException failure(IOException e) {
    String reason;
    if (e instanceof JsonProcessingException json) {
      reason = "not valid JSON, or beyond a limit: " + reasonOf(json);
    } else if (e instanceof CharacterCodingException) {
      reason = "the JSON text is not UTF-8";
    } else {
      reason = "reading failed: " + e;
    }
    return new CheckpointException(file + ": " + reason, e);
  }

  private static String reasonOf(JsonProcessingException e) {
    return Printable.of(String.valueOf(e.getOriginalMessage()));
  }
}
