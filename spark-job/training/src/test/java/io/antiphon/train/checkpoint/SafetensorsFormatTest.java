package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The published format, byte by byte.
 *
 * @see <a href="https://github.com/huggingface/safetensors#format">the format's description</a>
 */
final class SafetensorsFormatTest {
  private static final String A = "a.safetensors";

  @Test
  void readsAFileWrittenByHandFromTheDescription() {
    // N = 60 as 8 bytes, 60 bytes of JSON, then four I32: 1, -1, 2^24, the smallest.
    byte[] file =
        HexFormat.of()
            .parseHex(
                "3c00000000000000"
                    + "7b2274657374223a" // {"test":
                    + "7b226474797065223a22493332222c" // {"dtype":"I32",
                    + "227368617065223a5b322c325d2c" // "shape":[2,2],
                    + "22646174615f6f666673657473223a5b302c31365d7d7d" // "data_offsets":[0,16]}}
                    + "01000000ffffffff0000000100000080");
    try (SafetensorsReader reader = open(file)) {
      assertThat(reader.tensors())
          .containsExactly(new TensorSpec("test", StoredType.I32, List.of(2L, 2L)));
      assertThat(reader.metadata()).isEmpty();
      ByteBuffer values = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
      reader.read("test", 0, values);
      values.flip();
      assertThat(values.getInt()).isEqualTo(1);
      assertThat(values.getInt()).isEqualTo(-1);
      assertThat(values.getInt()).isEqualTo(1 << 24);
      assertThat(values.getInt()).isEqualTo(Integer.MIN_VALUE);
    }
  }

  @Test
  void writesTheBytesThatTheDescriptionDemands() {
    MemoryFiles files = MemoryFiles.fileSystem();
    SafetensorsWriter.write(
        files,
        A,
        List.of(
            Tensors.of("u", StoredType.U8, List.of(3L), new byte[] {1, 2, 3}),
            Tensors.of("f", StoredType.F32, List.of(), new byte[] {0, 0, (byte) 0x80, 0x3f})),
        Map.of("k", "v"));
    String json =
        "{\"__metadata__\":{\"k\":\"v\"},"
            + "\"f\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
            + "\"u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]}}";
    String padding = " ".repeat((8 - json.length() % 8) % 8);
    assertThat(files.bytes(A))
        .isEqualTo(file(json + padding, new byte[] {0, 0, (byte) 0x80, 0x3f, 1, 2, 3}));
  }

  @Test
  void beginsTheDataOnAMultipleOfEight() {
    for (String name :
        List.of("a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "8letters")) {
      MemoryFiles files = MemoryFiles.fileSystem();
      SafetensorsWriter.write(
          files, A, List.of(Tensors.of(name, StoredType.F64, List.of(2L), 1)), Map.of());
      assertThat(files.bytes(A).length % 8).as(name).isZero();
    }
  }

  @Test
  void acceptsMembersAndTensorsInAnyOrder() {
    String json =
        "{\"b\":{\"data_offsets\":[2,4],\"shape\":[1],\"dtype\":\"BF16\"},"
            + "\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a\":{\"shape\":[2],\"dtype\":\"U8\",\"data_offsets\":[0,2]}}  \n";
    try (SafetensorsReader reader = open(file(json, new byte[] {1, 2, 3, 4}))) {
      assertThat(reader.tensors()).extracting(TensorSpec::name).containsExactly("a", "b");
      assertThat(Tensors.read(reader, "b")).containsExactly(3, 4);
      assertThat(reader.metadata()).containsEntry("format", "pt");
    }
  }

  @Test
  void acceptsEmptyFilesScalarsAndTensorsWithoutElements() {
    try (SafetensorsReader reader = open(file("{}", new byte[0]))) {
      assertThat(reader.tensors()).isEmpty();
    }
    String json =
        "{\"none\":{\"dtype\":\"F64\",\"shape\":[3,0],\"data_offsets\":[4,4]},"
            + "\"one\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}";
    try (SafetensorsReader reader = open(file(json, new byte[4]))) {
      assertThat(reader.tensor("none").orElseThrow().elements()).isZero();
      assertThat(reader.tensor("one").orElseThrow().elements()).isEqualTo(1);
      assertThat(Tensors.read(reader, "none")).isEmpty();
    }
  }

  @Test
  void refusesAFileTooShortForALength() {
    assertRefused(new byte[0], "0 bytes are too few");
    assertRefused(new byte[7], "7 bytes are too few");
  }

  @Test
  void refusesAHeaderLengthBeyondTheLimit() {
    assertRefused(head(100_000_001L, 16), "100000001 exceeds the limit of 100000000");
    assertRefused(head(Long.MAX_VALUE, 16), "9223372036854775807 exceeds the limit");
    assertRefused(head(-1, 16), "18446744073709551615 exceeds the limit");
  }

  @Test
  void refusesAHeaderLengthBeyondTheFile() {
    assertRefused(head(9, 8), "9 exceeds the 8 bytes that follow");
    assertRefused(head(100_000_000L, 8), "100000000 exceeds the 8 bytes that follow");
    assertRefused(head(0, 8), "does not begin with '{'");
    assertRefused(head(0, 0), "does not begin with '{'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        " {}",
        "[]",
        "{",
        "{} {}",
        "{}x",
        "null",
        "{\"a\":1}",
        "{\"a\":null}",
        "{\"a\":{}}",
        "{'a':{}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[\"1\"],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"stride\":[1]}}",
        "{\"__metadata__\":{\"k\":1}}",
        "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}",
        "{\"__metadata__\":{},\"__metadata__\":{}}",
        "{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
      })
  void refusesAnyOtherJson(String json) {
    assertRefused(file(json, new byte[1]), A);
  }

  @Test
  void refusesUnsupportedTypesByName() {
    assertRefused(
        file("{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}", new byte[2]),
        "tensor 'a' has dtype 'F16'; supported are [F64, F32, BF16, I64, I32, U8]");
  }

  @Test
  void refusesASizeThatIsNotTheShapes() {
    assertRefused(
        oneTensor("F32", "[2,2]", "[0,12]", 12),
        "tensor 'a': data_offsets [0, 12] hold 12 bytes, but dtype F32 and shape [2, 2] need 16");
  }

  @Test
  void refusesOffsetsOutsideTheData() {
    assertRefused(oneTensor("U8", "[4]", "[0,4]", 3), "do not lie in the 3 bytes of data");
    assertRefused(oneTensor("U8", "[4]", "[-4,0]", 4), "[-4, 0] do not lie");
    assertRefused(oneTensor("U8", "[4]", "[4,0]", 4), "[4, 0] do not lie");
    assertRefused(oneTensor("U8", "[4]", "[0,9223372036854775807]", 4), "do not lie");
  }

  @Test
  void refusesGapsOverlapsAndTrailingBytes() {
    assertRefused(oneTensor("U8", "[2]", "[1,3]", 3), "leaving a gap after byte 0");
    assertRefused(oneTensor("U8", "[2]", "[0,2]", 5), "3 bytes follow the last tensor");
    assertRefused(file("{}", new byte[1]), "1 bytes follow the last tensor");
    String overlap =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}";
    assertRefused(
        file(overlap, new byte[3]), "tensor 'b' begins at byte 1 of the data, overlapping");
  }

  @Test
  void refusesArithmeticOverflow() {
    assertRefused(
        oneTensor("I32", "[2,9223372036854775807]", "[0,4]", 4), "more bytes than a 64-bit");
    assertRefused(
        oneTensor("I32", "[2,18446744073709551614]", "[0,4]", 4), "not a 64-bit signed integer");
    assertRefused(
        oneTensor("F64", "[4294967296,4294967296]", "[0,0]", 0), "more bytes than a 64-bit");
    assertRefused(oneTensor("U8", "[-1]", "[0,1]", 1), "negative dimension");
    assertRefused(oneTensor("U8", "[" + "9".repeat(1000) + "]", "[0,1]", 1), "beyond a limit");
  }

  @Test
  void refusesATensorNamedTwice() {
    String json =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            + "\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}";
    assertRefused(file(json, new byte[2]), "tensor 'a' occurs twice");
  }

  @Test
  void refusesTextThatIsNotUtf8() {
    byte[] file = oneTensor("U8", "[1]", "[0,1]", 1);
    file[10] = (byte) 0xff; // in place of the a
    assertRefused(file, "not UTF-8");
    byte[] utf16 = "{}".getBytes(StandardCharsets.UTF_16LE);
    assertRefused(file(utf16, new byte[0]), A);
  }

  @Test
  void refusesMoreThanItsLimits() {
    // Depth is bounded by what may be where, before it is by number.
    assertRefused(file("{\"a\":".repeat(5000), new byte[0]), "unknown member 'a'");
    assertRefused(file("{\"a\":" + "[".repeat(50_000), new byte[0]), "must be an object");
    assertRefused(file("{\"" + "n".repeat(3_000_000), new byte[0]), "beyond a limit");
    assertRefused(
        file("{\"__metadata__\":{\"k\":\"" + "n".repeat(9_000_000), new byte[0]), "beyond a limit");
    assertRefused(
        file(
            "{\""
                + "n".repeat(513)
                + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
        "1 to 512 characters");
    assertRefused(
        oneTensor("U8", "[" + "1,".repeat(16) + "1]", "[0,1]", 1), "more than 16 numbers");
  }

  @Test
  void refusesMoreTensorsThanTheLimit() {
    StringBuilder json = new StringBuilder("{");
    for (int i = 0; i <= Limits.SHARD_TENSORS; i++) {
      json.append(i == 0 ? "\"" : ",\"").append(i);
      json.append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}");
    }
    assertRefused(file(json.append('}').toString()), "more than 262144 tensors");
  }

  @Test
  void keepsControlCharactersOutOfMessages() {
    String json = "{\"\\u001b[2J\\n\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,1]}}";
    assertRefused(file(json, new byte[1]), "tensor '?[2J?': data_offsets");
  }

  @Test
  void namesAMissingTensor() {
    try (SafetensorsReader reader = open(file("{}", new byte[0]))) {
      assertThatThrownBy(() -> reader.read("a", 0, ByteBuffer.allocate(0)))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("memory:/a.safetensors: has no tensor 'a'");
    }
  }

  @Test
  void readsOnlyInsideTheTensor() {
    try (SafetensorsReader reader = open(oneTensor("U8", "[4]", "[0,4]", 4))) {
      for (long offset : new long[] {-1, 2, 5, Long.MAX_VALUE}) {
        assertThatThrownBy(() -> reader.read("a", offset, ByteBuffer.allocate(3)))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
      ByteBuffer two = ByteBuffer.allocate(2);
      reader.read("a", 2, two);
      assertThat(two.hasRemaining()).isFalse();
    }
  }

  private static byte[] oneTensor(String dtype, String shape, String offsets, int dataBytes) {
    return file(
        "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
            .formatted(dtype, shape, offsets),
        new byte[dataBytes]);
  }

  private static byte[] head(long length, int followingBytes) {
    return ByteBuffer.allocate(8 + followingBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .array();
  }

  private static byte[] file(String json) {
    return file(json, new byte[0]);
  }

  private static byte[] file(String json, byte[] data) {
    return file(json.getBytes(StandardCharsets.UTF_8), data);
  }

  private static byte[] file(byte[] json, byte[] data) {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(head(json.length, 0));
    file.writeBytes(json);
    file.writeBytes(data);
    return file.toByteArray();
  }

  private static SafetensorsReader open(byte[] file) {
    MemoryFiles files = MemoryFiles.fileSystem();
    files.put(A, file);
    return SafetensorsReader.open(files, A);
  }

  private static void assertRefused(byte[] file, String reason) {
    assertThatThrownBy(() -> open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("memory:/a.safetensors: ")
        .hasMessageContaining(reason);
  }
}
