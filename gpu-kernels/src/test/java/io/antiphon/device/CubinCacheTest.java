package io.antiphon.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThatCode;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is compiled when; the compiler is a fake, so neither a device nor NVRTC is needed. */
class CubinCacheTest {
  private static final Architecture HOPPER = new Architecture(9, 0);
  private static final KernelSource ONE = source("zero_bytes");

  @TempDir Path folder = Path.of("");

  /** Its machine code is the name of what it compiled. */
  private record Fake(String version) implements CubinCache.Compiler {
    @Override
    public Cubin compile(
        KernelSource source, String text, Map<String, String> headers, Architecture architecture) {
      assertThat(text).contains("zero_bytes");
      assertThat(headers).containsKey("pack.cuh");
      byte[] code =
          (source.names() + " for " + architecture.target()).getBytes(StandardCharsets.UTF_8);
      return new Cubin(Map.of(source.names().get(0), "lowered"), code);
    }
  }

  private static KernelSource source(String name) {
    return new KernelSource("memory.cu", List.of(name), KernelSource.Target.PORTABLE);
  }

  private CubinCache cache() {
    return new CubinCache(folder, new Fake("13.0"));
  }

  private static String code(Cubin cubin) {
    return new String(cubin.code(), StandardCharsets.UTF_8);
  }

  @Test
  void anotherProcessFindsWhatOneCompiled() {
    CubinCache first = cache();
    CubinCache second = cache();

    assertThat(code(first.get(ONE, HOPPER))).isEqualTo("[zero_bytes] for sm_90a");
    assertThat(code(first.get(ONE, HOPPER))).isEqualTo("[zero_bytes] for sm_90a");
    Cubin found = second.get(ONE, HOPPER);

    assertThat(code(found)).isEqualTo("[zero_bytes] for sm_90a");
    assertThat(found.loweredNames()).isEqualTo(Map.of("zero_bytes", "lowered"));
    assertThat(first.compiled()).isEqualTo(1);
    assertThat(second.compiled()).isZero();
  }

  @Test
  void namesArchitectureAndCompilerMakeEntriesOfTheirOwn() {
    CubinCache cache = cache();
    cache.get(ONE, HOPPER);
    cache.get(source("copy_elements<int, int>"), HOPPER);
    cache.get(ONE, new Architecture(8, 0));
    CubinCache newer = new CubinCache(folder, new Fake("13.1"));
    newer.get(ONE, HOPPER);

    assertThat(cache.compiled()).isEqualTo(3);
    assertThat(newer.compiled()).isEqualTo(1);
  }

  @Test
  void aTornEntryIsCompiledAgain() throws IOException {
    cache().get(ONE, HOPPER);
    try (var entries = Files.list(folder)) {
      Files.write(entries.findFirst().orElseThrow(), new byte[] {0, 0, 0, 1});
    }
    CubinCache cache = cache();

    assertThat(code(cache.get(ONE, HOPPER))).isEqualTo("[zero_bytes] for sm_90a");
    assertThat(cache.compiled()).isEqualTo(1);
    assertThat(cache().get(ONE, HOPPER).loweredNames()).hasSize(1);
  }

  /** Negative and huge lengths, and bits that flipped in names or code. */
  @Test
  void aDamagedEntryIsCompiledAgain() throws IOException {
    cache().get(ONE, HOPPER);
    Path entry;
    try (var entries = Files.list(folder)) {
      entry = entries.findFirst().orElseThrow();
    }
    byte[] sound = Files.readAllBytes(entry);
    byte[] negative =
        Base64.getDecoder().decode("AAAAAgABYgABYwAEazwxPgAMX1oxa0lMaTFFRXZ2/Aw06Q==");
    byte[] large = negative.clone();
    large[large.length - 4] = 0x7f;
    List<byte[]> damaged = new ArrayList<>(List.of(negative, large, new byte[0], new byte[40]));
    for (int i = 0; i < sound.length; i++) {
      byte[] flipped = sound.clone();
      flipped[i] ^= (byte) (1 << i % 8);
      damaged.add(flipped);
    }
    damaged.add(Arrays.copyOf(sound, sound.length - 1));
    damaged.add(Arrays.copyOf(sound, sound.length + 1));
    for (byte[] bytes : damaged) {
      Files.write(entry, bytes);
      CubinCache cache = cache();
      assertThat(code(cache.get(ONE, HOPPER))).isEqualTo("[zero_bytes] for sm_90a");
      assertThat(cache.compiled()).isEqualTo(1);
      assertThat(entry).hasBinaryContent(sound);
    }
  }

  @Test
  void aFolderThatCannotBeWrittenCostsTimeOnly() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    CubinCache cache = new CubinCache(file, new Fake("13.0"));

    assertThat(code(cache.get(ONE, HOPPER))).isEqualTo("[zero_bytes] for sm_90a");
    cache.get(ONE, HOPPER);
    assertThat(cache.compiled()).isEqualTo(2);
  }

  /** Compiling needs no device: where NVRTC and a driver are installed, this is the real thing. */
  @Test
  void nvrtcCompilesOnceWhereItIs() {
    CubinCache first = new CubinCache(folder);
    KernelSource sum =
        new KernelSource(
            "memory.cu", List.of("add_elements<float, float>"), KernelSource.Target.PORTABLE);
    assumeThatCode(first::compilerVersion).as("NVRTC is here").doesNotThrowAnyException();
    Cubin compiled = first.get(sum, HOPPER);
    CubinCache second = new CubinCache(folder);

    assertThat(second.get(sum, HOPPER).code()).isEqualTo(compiled.code());
    assertThat(compiled.loweredNames().get("add_elements<float, float>")).startsWith("_Z");
    assertThat(first.compiled()).isEqualTo(1);
    assertThat(second.compiled()).isZero();
  }

  @Test
  void withoutACompilerNothingIsFoundAndTheReasonIsTold() {
    CubinCache.Compiler missing =
        new CubinCache.Compiler() {
          @Override
          public String version() {
            NativeLibraries.load(
                "libnvrtc.so.13",
                "CUDA's run-time compiler",
                () -> {
                  throw new UnsatisfiedLinkError("no jninvrtc in java.library.path");
                });
            return "";
          }

          @Override
          public Cubin compile(
              KernelSource source,
              String text,
              Map<String, String> headers,
              Architecture architecture) {
            throw new AssertionError("there is no compiler");
          }
        };
    assertThatThrownBy(() -> new CubinCache(folder, missing).get(ONE, HOPPER))
        .isInstanceOfSatisfying(DeviceException.class, e -> assertThat(e.sticky()).isFalse())
        .hasMessageContaining("libnvrtc.so.13 (CUDA's run-time compiler) could not be loaded")
        .hasMessageContaining("no jninvrtc in java.library.path")
        .hasMessageContaining("Install libnvrtc.so.13, or name its folder in LD_LIBRARY_PATH")
        .hasMessageContaining("ANTIPHON_CUDA_PATH");
  }
}
