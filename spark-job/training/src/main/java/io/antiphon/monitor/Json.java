package io.antiphon.monitor;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.antiphon.train.report.Percentiles;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;

/** How this package writes and reads JSON: a number that is not finite is {@code null}. */
final class Json {

  /** Doubles are written in their shortest form that reads back as the same value. */
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
          .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
          .build();

  static final ObjectMapper MAPPER = JsonMapper.builder(FACTORY).build();

  private static final MathContext CURVE_PRECISION = new MathContext(6);

  private Json() {}

  static void number(JsonGenerator out, String field, double value) throws IOException {
    out.writeFieldName(field);
    number(out, value);
  }

  static void number(JsonGenerator out, double value) throws IOException {
    if (Double.isFinite(value)) {
      out.writeNumber(value);
    } else {
      out.writeNull();
    }
  }

  static void percentiles(JsonGenerator out, String field, Percentiles percentiles)
      throws IOException {
    out.writeObjectFieldStart(field);
    number(out, "p50", percentiles.p50());
    number(out, "p90", percentiles.p90());
    number(out, "p99", percentiles.p99());
    number(out, "max", percentiles.max());
    out.writeEndObject();
  }

  /** Six significant digits: enough for a curve. */
  static void rounded(JsonGenerator out, double value) throws IOException {
    number(
        out, Double.isFinite(value) ? new BigDecimal(value, CURVE_PRECISION).doubleValue() : value);
  }

  static void array(JsonGenerator out, String field, long[] values) throws IOException {
    out.writeFieldName(field);
    out.writeArray(values, 0, values.length);
  }

  /** The field of an object that must have it. */
  static JsonNode field(JsonNode object, String name) {
    JsonNode field = object.get(name);
    if (field == null) {
      throw new IllegalArgumentException("field " + name + " is missing");
    }
    return field;
  }

  /** A number, NaN for {@code null}. */
  static double real(JsonNode object, String name) {
    JsonNode field = field(object, name);
    if (!field.isNumber() && !field.isNull()) {
      throw new IllegalArgumentException("field " + name + " is not a number: " + field);
    }
    return field.isNull() ? Double.NaN : field.doubleValue();
  }

  static long integer(JsonNode object, String name) {
    return wholeNumber(field(object, name), name);
  }

  static int small(JsonNode object, String name) {
    return Math.toIntExact(integer(object, name));
  }

  static String text(JsonNode object, String name) {
    JsonNode field = field(object, name);
    if (!field.isTextual()) {
      throw new IllegalArgumentException("field " + name + " is not a string: " + field);
    }
    return field.textValue();
  }

  static long[] integers(JsonNode object, String name) {
    JsonNode field = field(object, name);
    if (!field.isArray()) {
      throw new IllegalArgumentException("field " + name + " is not an array: " + field);
    }
    long[] values = new long[field.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = wholeNumber(field.get(i), name);
    }
    return values;
  }

  private static long wholeNumber(JsonNode value, String name) {
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw new IllegalArgumentException("field " + name + " is not an integer: " + value);
    }
    return value.longValue();
  }
}
