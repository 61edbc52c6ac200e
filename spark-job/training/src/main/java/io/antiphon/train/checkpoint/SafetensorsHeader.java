package io.antiphon.train.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The head of a safetensors file: 8 bytes of length, then JSON that says where each tensor lies.
 *
 * @param metadata free text
 * @param tensors in file order; together they cover the data exactly once
 * @param dataBegin where the data begins in the file
 * @see SafetensorsHeaderParser
 */
record SafetensorsHeader(Map<String, String> metadata, List<Located> tensors, long dataBegin) {
  /** A tensor at {@code [begin, end)} of the data. */
  record Located(TensorSpec spec, long begin, long end) {}

  /** The bytes before the JSON: its length, little-endian. */
  static final int LENGTH_BYTES = 8;

  static final String METADATA = "__metadata__";

  private static final int ALIGNMENT = 8;

  SafetensorsHeader {
    metadata = Map.copyOf(metadata);
    tensors = List.copyOf(tensors);
  }

  /** The head of a file that holds {@code tensors} back to back, in this order. */
  static byte[] encode(List<TensorSpec> tensors, Map<String, String> metadata, String file) {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try (JsonGenerator generator = new JsonFactory().createGenerator(json)) {
      generator.writeStartObject();
      if (!metadata.isEmpty()) {
        generator.writeObjectFieldStart(METADATA);
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          generator.writeStringField(entry.getKey(), entry.getValue());
        }
        generator.writeEndObject();
      }
      long begin = 0;
      for (TensorSpec tensor : tensors) {
        long end = Math.addExact(begin, tensor.bytes());
        writeTensor(generator, tensor, begin, end);
        begin = end;
      }
      generator.writeEndObject();
    } catch (IOException e) {
      throw new CheckpointException(file + ": the header cannot be written as JSON: " + e, e);
    }
    int padding = -json.size() & (ALIGNMENT - 1);
    if (json.size() + padding > Limits.HEADER_BYTES) {
      throw new CheckpointException(
          "%s: %d tensors need a header of %d bytes; the format's limit is %d. Spread them over more ranks"
              .formatted(file, tensors.size(), json.size() + padding, Limits.HEADER_BYTES));
    }
    byte[] spaces = new byte[padding];
    Arrays.fill(spaces, (byte) ' ');
    json.writeBytes(spaces);
    return ByteBuffer.allocate(LENGTH_BYTES + json.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.size())
        .put(json.toByteArray())
        .array();
  }

  private static void writeTensor(JsonGenerator generator, TensorSpec tensor, long begin, long end)
      throws IOException {
    generator.writeObjectFieldStart(tensor.name());
    generator.writeStringField("dtype", tensor.dtype().name());
    generator.writeArrayFieldStart("shape");
    for (long dimension : tensor.shape()) {
      generator.writeNumber(dimension);
    }
    generator.writeEndArray();
    generator.writeArrayFieldStart("data_offsets");
    generator.writeNumber(begin);
    generator.writeNumber(end);
    generator.writeEndArray();
    generator.writeEndObject();
  }
}
