package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SafetensorsRoundTripTest {
  private static final String A = "a.safetensors";

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89})
  void givesBackRandomTensors(long seed) {
    List<TensorSpec> specs = Tensors.random(new SplittableRandom(seed), 40);
    List<TensorEntry> entries = entries(specs, seed);
    MemoryFiles files = MemoryFiles.fileSystem();
    SafetensorsWriter.Written written =
        SafetensorsWriter.write(files, A, entries, Map.of("seed", "" + seed));

    assertThat(written.bytes()).isEqualTo(files.bytes(A).length);
    assertThat(written.crc32c()).isEqualTo(crc32c(files.bytes(A)));
    try (SafetensorsReader reader = SafetensorsReader.open(files, A)) {
      assertThat(reader.metadata()).containsExactly(Map.entry("seed", "" + seed));
      assertThat(reader.tensors()).containsExactlyInAnyOrderElementsOf(specs);
      assertThat(written.tensors())
          .extracting(StoredTensor::spec)
          .containsExactlyElementsOf(reader.tensors());
      for (StoredTensor stored : written.tensors()) {
        byte[] expected = Tensors.bytes(stored.spec(), seed);
        String name = stored.spec().name();
        assertThat(Tensors.read(reader, name)).isEqualTo(expected);
        assertThat(stored.crc32c()).isEqualTo(crc32c(expected));
        assertThat(reader.read(name, (offset, bytes) -> {})).isEqualTo(stored.crc32c());
      }
    }
  }

  @Test
  void doesNotDependOnTheOrderOfItsEntries() {
    List<TensorEntry> entries = entries(Tensors.random(new SplittableRandom(7), 40), 7);
    MemoryFiles files = MemoryFiles.fileSystem();
    SafetensorsWriter.write(files, A, entries, Map.of());
    byte[] first = files.bytes(A);
    Collections.shuffle(entries, new Random(7));
    SafetensorsWriter.write(files, A, entries, Map.of());
    assertThat(files.bytes(A)).isEqualTo(first);
  }

  @Test
  void streamsTensorsLargerThanAChunk() {
    // 2.5 chunks and one element, so that chunks end inside and at the end of the tensor.
    TensorSpec spec = new TensorSpec("big", StoredType.F64, List.of(5L * (Chunk.BYTES / 16) + 1));
    byte[] expected = Tensors.bytes(spec, 3);
    List<Integer> chunks = new ArrayList<>();
    TensorEntry entry =
        new TensorEntry(
            spec,
            (offset, chunk) -> {
              chunks.add(chunk.remaining());
              chunk.put(expected, (int) offset, chunk.remaining());
            });
    MemoryFiles files = MemoryFiles.fileSystem();
    SafetensorsWriter.write(files, A, List.of(entry), Map.of());
    assertThat(chunks).containsExactly(1 << 20, 1 << 20, (1 << 19) + 8);

    ByteArrayOutputStream streamed = new ByteArrayOutputStream();
    try (SafetensorsReader reader = SafetensorsReader.open(files, A)) {
      reader.read(
          "big",
          (offset, chunk) -> {
            assertThat(offset).isEqualTo(streamed.size());
            assertThat(chunk.isReadOnly() && chunk.isDirect()).isTrue();
            byte[] bytes = new byte[chunk.remaining()];
            chunk.get(bytes);
            streamed.writeBytes(bytes);
          });
      ByteBuffer middle = ByteBuffer.allocateDirect(16);
      reader.read("big", (1 << 20) - 8, middle);
      middle.flip();
      byte[] sixteen = new byte[16];
      middle.get(sixteen);
      assertThat(sixteen).isEqualTo(Arrays.copyOfRange(expected, (1 << 20) - 8, (1 << 20) + 8));
    }
    assertThat(streamed.toByteArray()).isEqualTo(expected);
  }

  @Test
  void refusesASourceThatLeavesItsChunkUnfilled() {
    TensorEntry lazy =
        new TensorEntry("a", StoredType.U8, List.of(4L), (offset, chunk) -> chunk.put((byte) 1));
    MemoryFiles files = MemoryFiles.fileSystem();
    assertThatThrownBy(() -> SafetensorsWriter.write(files, A, List.of(lazy), Map.of()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'a' left its chunk of 4 bytes at offset 0 at position 1");
    assertThat(files.paths()).isEmpty();
  }

  @Test
  void refusesTwoEntriesOfOneName() {
    List<TensorEntry> twice =
        List.of(
            Tensors.of("a", StoredType.U8, List.of(), 1),
            Tensors.of("a", StoredType.F32, List.of(), 1));
    assertThatThrownBy(() -> SafetensorsWriter.write(MemoryFiles.fileSystem(), A, twice, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tensor 'a' occurs twice");
  }

  @Test
  void reportsAStorageFailureAndLeavesNoFile() {
    MemoryFiles files = MemoryFiles.fileSystem();
    files.failAfter(2, MemoryFiles.Fault.REFUSED);
    assertThatThrownBy(
            () ->
                SafetensorsWriter.write(
                    files, A, List.of(Tensors.of("a", StoredType.U8, List.of(4L), 1)), Map.of()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("memory:/a.safetensors: writing failed, see free space");
    assertThat(files.paths()).isEmpty();
  }

  private static List<TensorEntry> entries(List<TensorSpec> specs, long seed) {
    List<TensorEntry> entries = new ArrayList<>();
    for (TensorSpec spec : specs) {
      entries.add(Tensors.of(spec.name(), spec.dtype(), spec.shape(), seed));
    }
    return entries;
  }

  private static long crc32c(byte[] bytes) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes);
    return checksum.getValue();
  }
}
