package io.antiphon.train.checkpoint;

import io.antiphon.fuzz.Fuzz;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("fuzz")
class CheckpointReadersFuzzTest {
  private static final String[] WORDS = {
    "\"dtype\":",
    "\"F32\"",
    "\"BF16\"",
    "\"shape\":",
    "\"data_offsets\":",
    "[0,4]",
    "__metadata__",
    "\"crc32c\":",
    "\"shards\":",
    "\"tensors\":",
    "\"rank-00000.safetensors\"",
    "\"scalars\":"
  };

  @Test
  void safetensorsFilesAreReadOrRefused() {
    MemoryFiles files = MemoryFiles.fileSystem();
    SafetensorsWriter.write(
        files,
        "a",
        List.of(
            Tensors.of("w", StoredType.F32, List.of(2L, 3L), 1),
            Tensors.of("empty", StoredType.U8, List.of(0L), 2)),
        Map.of("k", "v"));
    Fuzz.of("safetensors", CheckpointException.class)
        .from(files.bytes("a"))
        .words(WORDS)
        .run(
            input -> {
              MemoryFiles damaged = MemoryFiles.fileSystem();
              damaged.put("a", withHeaderLength(input));
              try (SafetensorsReader reader = SafetensorsReader.open(damaged, "a")) {
                for (TensorSpec spec : reader.tensors()) {
                  Tensors.read(reader, spec.name());
                }
              }
            });
  }

  /** Half of the files get the length of a header that ends with their last brace. */
  private static byte[] withHeaderLength(byte[] input) {
    byte[] bytes = input.clone();
    if (bytes.length < 9 || bytes[bytes.length - 1] % 2 == 0) {
      return bytes;
    }
    int end = bytes.length;
    while (end > 8 && bytes[end - 1] != '}') {
      end--;
    }
    for (int i = 0; i < 8; i++) {
      bytes[i] = (byte) ((long) Math.max(0, end - 8) >> (8 * i));
    }
    return bytes;
  }

  @Test
  void manifestsAreReadOrRefused() {
    MemoryFiles files = MemoryFiles.fileSystem();
    CheckpointManifest sound = TestCheckpoints.save(TestCheckpoints.on(files), 2, "a", 2);
    Fuzz.of("checkpoint manifest", CheckpointException.class)
        .from(ManifestJson.encode(sound))
        .words(WORDS)
        .run(
            input ->
                ManifestJson.decodeManifest(
                    new ByteArrayInputStream(input), "manifest.json", sound.directory()));
  }

  @Test
  void reportsOfShardsAreReadOrRefused() {
    MemoryFiles files = MemoryFiles.fileSystem();
    Fuzz.of("shard information", CheckpointException.class)
        .from(TestCheckpoints.write(TestCheckpoints.on(files), 2, "a", 0, 2).encode())
        .words(WORDS)
        .run(ShardInfo::decode);
  }
}
