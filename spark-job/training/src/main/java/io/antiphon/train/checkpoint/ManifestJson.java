package io.antiphon.train.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.antiphon.conf.Printable;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;

/**
 * Manifests and shard information as JSON, with every member in one fixed order.
 *
 * <p>A manifest's last member is a checksum of all others: CRC-32C of the compact text that this
 * class would write for them. So spaces may change, contents may not.
 */
final class ManifestJson {
  private static final JsonFactory FACTORY = new JsonFactory();

  private ManifestJson() {}

  static byte[] encode(CheckpointManifest manifest) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    write(bytes, json -> writeManifest(json, manifest, true));
    return bytes.toByteArray();
  }

  static byte[] encode(ShardInfo info) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    write(
        bytes,
        json -> {
          json.writeStartObject();
          json.writeNumberField("step", info.step());
          json.writeStringField("attempt", info.attempt());
          json.writeFieldName("shard");
          writeShard(json, info.shard());
          json.writeEndObject();
        });
    return bytes.toByteArray();
  }

  /** Reads the manifest of a directory and checks its checksum. */
  static CheckpointManifest decodeManifest(InputStream in, String file, String directory) {
    try (JsonCursor json = new JsonCursor(in, file)) {
      CheckpointManifest manifest = readManifest(json, directory);
      json.expectName("crc32c");
      long stored = readChecksum(json, "crc32c of the manifest");
      json.expectEndOfObject();
      json.expectEnd();
      long actual = checksum(manifest);
      if (stored != actual) {
        throw json.problem(
            "the manifest was changed or damaged: its checksum is %s, its contents have %s"
                .formatted(hex(stored), hex(actual)));
      }
      return manifest;
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + e.getMessage(), e);
    }
  }

  static ShardInfo decodeShardInfo(InputStream in, String file) {
    try (JsonCursor json = new JsonCursor(in, file)) {
      json.expectObject("the shard information");
      json.expectName("step");
      long step = json.whole("step");
      json.expectName("attempt");
      String attempt = json.text("attempt");
      json.expectName("shard");
      json.expectObject("shard");
      ShardInfo info = new ShardInfo(step, attempt, readShard(json));
      json.expectEndOfObject();
      json.expectEnd();
      return info;
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + e.getMessage(), e);
    }
  }

  static String hex(long crc32c) {
    return HexFormat.of().toHexDigits((int) crc32c);
  }

  private interface Body {
    void write(JsonGenerator json) throws IOException;
  }

  private static void write(OutputStream out, Body body) {
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      body.write(json);
    } catch (IOException e) {
      throw new CheckpointException("a text of the checkpoint cannot be written as JSON: " + e, e);
    }
  }

  private static long checksum(CheckpointManifest manifest) {
    CRC32C checksum = new CRC32C();
    write(
        new CheckedOutputStream(OutputStream.nullOutputStream(), checksum),
        json -> writeManifest(json, manifest, false));
    return checksum.getValue();
  }

  private static void writeManifest(
      JsonGenerator json, CheckpointManifest manifest, boolean withChecksum) throws IOException {
    CheckpointMeta meta = manifest.meta();
    json.writeStartObject();
    json.writeNumberField("formatVersion", CheckpointManifest.FORMAT_VERSION);
    json.writeStringField("writer", meta.writer());
    json.writeNumberField("step", manifest.step());
    json.writeStringField("attempt", manifest.attempt());
    json.writeNumberField("globalSequencePosition", meta.globalSequencePosition());
    json.writeObjectFieldStart("world");
    json.writeNumberField("ranks", meta.world().ranks());
    json.writeNumberField("expertParallel", meta.world().expertParallel());
    json.writeEndObject();
    json.writeStringField("settingsFingerprint", meta.settingsFingerprint());
    json.writeStringField("settings", meta.settings());
    json.writeObjectFieldStart("scalars");
    for (Map.Entry<String, Object> scalar : meta.scalars().values().entrySet()) {
      writeScalar(json, scalar.getKey(), scalar.getValue());
    }
    json.writeEndObject();
    json.writeArrayFieldStart("shards");
    for (StoredShard shard : manifest.shards()) {
      writeShard(json, shard);
    }
    json.writeEndArray();
    if (withChecksum) {
      json.writeStringField("crc32c", hex(checksum(manifest)));
    }
    json.writeEndObject();
  }

  private static void writeScalar(JsonGenerator json, String name, Object value)
      throws IOException {
    json.writeFieldName(name);
    if (value instanceof Long whole) {
      json.writeNumber(whole);
    } else if (value instanceof Double real) {
      json.writeNumber(real); // always with a point or an exponent, so it reads back as real
    } else {
      json.writeString((String) value);
    }
  }

  private static void writeShard(JsonGenerator json, StoredShard shard) throws IOException {
    json.writeStartObject();
    json.writeNumberField("rank", shard.rank());
    json.writeStringField("file", shard.file());
    json.writeNumberField("bytes", shard.bytes());
    json.writeStringField("crc32c", hex(shard.crc32c()));
    json.writeArrayFieldStart("tensors");
    for (StoredTensor tensor : shard.tensors()) {
      json.writeStartObject();
      json.writeStringField("name", tensor.spec().name());
      json.writeStringField("dtype", tensor.spec().dtype().name());
      json.writeArrayFieldStart("shape");
      for (long dimension : tensor.spec().shape()) {
        json.writeNumber(dimension);
      }
      json.writeEndArray();
      json.writeStringField("crc32c", hex(tensor.crc32c()));
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static CheckpointManifest readManifest(JsonCursor json, String directory) {
    json.expectObject("the manifest");
    json.expectName("formatVersion");
    long version = json.whole("formatVersion");
    if (version != CheckpointManifest.FORMAT_VERSION) {
      throw json.problem(
          "format version is %d, but this program reads version %d; use the program that wrote it"
              .formatted(version, CheckpointManifest.FORMAT_VERSION));
    }
    json.expectName("writer");
    String writer = json.text("writer");
    json.expectName("step");
    long step = json.whole("step");
    json.expectName("attempt");
    String attempt = json.text("attempt");
    json.expectName("globalSequencePosition");
    long position = json.whole("globalSequencePosition");
    json.expectName("world");
    World world = readWorld(json);
    json.expectName("settingsFingerprint");
    String fingerprint = json.text("settingsFingerprint");
    json.expectName("settings");
    String settings = json.text("settings");
    json.expectName("scalars");
    Scalars scalars = readScalars(json);
    json.expectName("shards");
    List<StoredShard> shards = new ArrayList<>();
    json.expectArray("shards");
    while (json.nextObject("a shard")) {
      if (shards.size() == Limits.SHARDS) {
        throw json.problem("more than " + Limits.SHARDS + " shards, the limit");
      }
      shards.add(readShard(json));
    }
    CheckpointMeta meta =
        new CheckpointMeta(position, world, settings, fingerprint, scalars, writer);
    return new CheckpointManifest(directory, step, attempt, meta, shards);
  }

  private static World readWorld(JsonCursor json) {
    json.expectObject("world");
    json.expectName("ranks");
    int ranks = readInt(json, "ranks");
    json.expectName("expertParallel");
    World world = new World(ranks, readInt(json, "expertParallel"));
    json.expectEndOfObject();
    return world;
  }

  private static Scalars readScalars(JsonCursor json) {
    Scalars scalars = Scalars.none();
    json.expectObject("scalars");
    for (Optional<String> next = json.nextName(); next.isPresent(); next = json.nextName()) {
      String name = next.get();
      if (scalars.names().contains(name)) {
        throw json.problem("scalar " + Printable.of(name) + " occurs twice");
      }
      Object value = json.scalar("scalar " + Printable.of(name));
      if (value instanceof Long whole) {
        scalars = scalars.withWhole(name, whole);
      } else if (value instanceof Double real) {
        scalars = scalars.withReal(name, real);
      } else {
        scalars = scalars.withText(name, (String) value);
      }
    }
    return scalars;
  }

  /** Reads a shard whose object was entered already. */
  private static StoredShard readShard(JsonCursor json) {
    json.expectName("rank");
    int rank = readInt(json, "rank");
    json.expectName("file");
    String file = json.text("file");
    json.expectName("bytes");
    long bytes = json.whole("bytes");
    json.expectName("crc32c");
    long crc32c = readChecksum(json, "crc32c of a shard");
    json.expectName("tensors");
    List<StoredTensor> tensors = new ArrayList<>();
    json.expectArray("tensors");
    while (json.nextObject("a tensor")) {
      if (tensors.size() == Limits.SHARD_TENSORS) {
        throw json.problem("more than " + Limits.SHARD_TENSORS + " tensors in a shard, the limit");
      }
      tensors.add(readTensor(json));
    }
    json.expectEndOfObject();
    return new StoredShard(rank, file, bytes, crc32c, tensors);
  }

  private static StoredTensor readTensor(JsonCursor json) {
    json.expectName("name");
    String name = json.text("name of a tensor");
    json.expectName("dtype");
    String dtype = json.text("dtype of a tensor");
    json.expectName("shape");
    List<Long> shape = json.wholes("shape of a tensor", Limits.DIMENSIONS);
    json.expectName("crc32c");
    long crc32c = readChecksum(json, "crc32c of a tensor");
    json.expectEndOfObject();
    StoredType type =
        StoredType.named(dtype)
            .orElseThrow(
                () ->
                    json.problem(
                        "tensor %s has dtype %s; supported are %s"
                            .formatted(
                                Printable.of(name),
                                Printable.of(dtype),
                                List.of(StoredType.values()))));
    return new StoredTensor(new TensorSpec(name, type, shape), crc32c);
  }

  private static int readInt(JsonCursor json, String what) {
    long value = json.whole(what);
    if (value != (int) value) {
      throw json.problem(what + " is not a 32-bit integer: " + value);
    }
    return (int) value;
  }

  private static long readChecksum(JsonCursor json, String what) {
    String text = json.text(what);
    if (!text.matches("[0-9a-f]{8}")) {
      throw json.problem(what + " must be 8 hexadecimal digits, was " + Printable.of(text));
    }
    return Long.parseLong(text, 16);
  }
}
