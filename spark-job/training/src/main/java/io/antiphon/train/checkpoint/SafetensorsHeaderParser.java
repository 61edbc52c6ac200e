package io.antiphon.train.checkpoint;

import io.antiphon.conf.Printable;
import io.antiphon.train.checkpoint.SafetensorsHeader.Located;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads the head of a safetensors file, trusting nothing in it. */
final class SafetensorsHeaderParser {
  private static final Comparator<Located> FILE_ORDER =
      Comparator.comparingLong(Located::begin).thenComparingLong(Located::end);

  private final JsonCursor json;
  private final long dataBytes;
  private final Map<String, String> metadata = new HashMap<>();
  private final List<Located> tensors = new ArrayList<>();

  private SafetensorsHeaderParser(JsonCursor json, long dataBytes) {
    this.json = json;
    this.dataBytes = dataBytes;
  }

  /**
   * Reads and checks the head of a file of {@code fileBytes} bytes.
   *
   * @param file the name used in messages
   * @throws CheckpointException if the file is not safetensors, or beyond a limit
   */
  static SafetensorsHeader parse(CheckpointFiles.Source source, long fileBytes, String file) {
    try {
      long jsonBytes = readLength(source, fileBytes, file);
      long dataBegin = SafetensorsHeader.LENGTH_BYTES + jsonBytes;
      SourceInputStream in =
          new SourceInputStream(source, SafetensorsHeader.LENGTH_BYTES, dataBegin);
      try (JsonCursor json = new JsonCursor(new BufferedInputStream(in), file)) {
        return new SafetensorsHeaderParser(json, fileBytes - dataBegin).header(dataBegin);
      }
    } catch (IOException e) {
      throw new CheckpointException(file + ": the header cannot be read: " + e, e);
    }
  }

  private static long readLength(CheckpointFiles.Source source, long fileBytes, String file)
      throws IOException {
    if (fileBytes < SafetensorsHeader.LENGTH_BYTES) {
      throw new CheckpointException(
          "%s: %d bytes are too few for the 8 bytes of a header length".formatted(file, fileBytes));
    }
    // One byte more than the length: the first of the JSON.
    byte[] head = new byte[(int) Math.min(fileBytes, SafetensorsHeader.LENGTH_BYTES + 1)];
    if (new SourceInputStream(source, 0, head.length).readNBytes(head, 0, head.length)
        < head.length) {
      throw new EOFException("the file ends in its first " + head.length + " bytes");
    }
    long length = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (Long.compareUnsigned(length, Limits.HEADER_BYTES) > 0) {
      throw new CheckpointException(
          "%s: header length %s exceeds the limit of %d bytes"
              .formatted(file, Long.toUnsignedString(length), Limits.HEADER_BYTES));
    }
    if (length > fileBytes - SafetensorsHeader.LENGTH_BYTES) {
      throw new CheckpointException(
          "%s: header length %d exceeds the %d bytes that follow it; the file is truncated"
              .formatted(file, length, fileBytes - SafetensorsHeader.LENGTH_BYTES));
    }
    if (length == 0 || head[SafetensorsHeader.LENGTH_BYTES] != '{') {
      throw new CheckpointException(file + ": the header does not begin with '{'");
    }
    return length;
  }

  private SafetensorsHeader header(long dataBegin) {
    Set<String> names = new HashSet<>();
    json.expectObject("the header");
    for (Optional<String> next = json.nextName(); next.isPresent(); next = json.nextName()) {
      String name = next.get();
      if (!names.add(name)) {
        throw json.problem("tensor " + Printable.of(name) + " occurs twice");
      }
      if (name.equals(SafetensorsHeader.METADATA)) {
        readMetadata();
      } else if (tensors.size() == Limits.SHARD_TENSORS) {
        throw json.problem("more than " + Limits.SHARD_TENSORS + " tensors, the limit of a file");
      } else {
        tensors.add(readTensor(name));
      }
    }
    json.expectEnd();
    tensors.sort(FILE_ORDER);
    requireExactCover();
    return new SafetensorsHeader(metadata, tensors, dataBegin);
  }

  private void readMetadata() {
    long chars = 0;
    json.expectObject(SafetensorsHeader.METADATA);
    for (Optional<String> next = json.nextName(); next.isPresent(); next = json.nextName()) {
      String key = next.get();
      String value = json.text("a value of " + SafetensorsHeader.METADATA);
      if (metadata.put(key, value) != null) {
        throw json.problem("metadata key " + Printable.of(key) + " occurs twice");
      }
      chars += key.length() + value.length();
      if (metadata.size() > Limits.SCALARS || chars > Limits.TEXT_CHARS) {
        throw json.problem(
            "metadata exceeds %d entries or %d characters, the limits"
                .formatted(Limits.SCALARS, Limits.TEXT_CHARS));
      }
    }
  }

  private Located readTensor(String name) {
    String what = "tensor " + Printable.of(name);
    StoredType dtype = null;
    List<Long> shape = null;
    List<Long> offsets = null;
    json.expectObject(what);
    for (Optional<String> next = json.nextName(); next.isPresent(); next = json.nextName()) {
      String member = next.get();
      if (member.equals("dtype") && dtype == null) {
        dtype = readType(what);
      } else if (member.equals("shape") && shape == null) {
        shape = json.wholes("shape of " + what, Limits.DIMENSIONS);
      } else if (member.equals("data_offsets") && offsets == null) {
        offsets = json.wholes("data_offsets of " + what, 2);
      } else {
        throw json.problem(what + ": repeated or unknown member " + Printable.of(member));
      }
    }
    if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
      throw json.problem(what + " needs dtype, shape and two data_offsets");
    }
    return locate(what, specOf(name, dtype, shape), offsets.get(0), offsets.get(1));
  }

  private StoredType readType(String what) {
    String dtype = json.text("dtype of " + what);
    return StoredType.named(dtype)
        .orElseThrow(
            () ->
                json.problem(
                    "%s has dtype %s; supported are %s"
                        .formatted(what, Printable.of(dtype), List.of(StoredType.values()))));
  }

  private TensorSpec specOf(String name, StoredType dtype, List<Long> shape) {
    try {
      return new TensorSpec(name, dtype, shape);
    } catch (IllegalArgumentException e) {
      throw json.problem(String.valueOf(e.getMessage()));
    }
  }

  private Located locate(String what, TensorSpec spec, long begin, long end) {
    if (begin < 0 || end < begin || end > dataBytes) {
      throw json.problem(
          "%s: data_offsets [%d, %d] do not lie in the %d bytes of data"
              .formatted(what, begin, end, dataBytes));
    }
    if (end - begin != spec.bytes()) {
      throw json.problem(
          "%s: data_offsets [%d, %d] hold %d bytes, but dtype %s and shape %s need %d"
              .formatted(what, begin, end, end - begin, spec.dtype(), spec.shape(), spec.bytes()));
    }
    return new Located(spec, begin, end);
  }

  private void requireExactCover() {
    long covered = 0;
    for (Located tensor : tensors) {
      if (tensor.begin() != covered) {
        throw json.problem(
            "tensor %s begins at byte %d of the data, %s byte %d"
                .formatted(
                    Printable.of(tensor.spec().name()),
                    tensor.begin(),
                    tensor.begin() < covered
                        ? "overlapping the tensor that ends at"
                        : "leaving a gap after",
                    covered));
      }
      covered = tensor.end();
    }
    if (covered != dataBytes) {
      throw json.problem(
          "%d bytes follow the last tensor, which ends at byte %d of the data"
              .formatted(dataBytes - covered, covered));
    }
  }
}
