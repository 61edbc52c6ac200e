package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Valid files with random damage: equal data or a {@link CheckpointException}, nothing else. */
final class CheckpointFuzzTest {
  private static final int CASES = 1500;

  /** What one case may allocate on the heap, with files of a few KiB. */
  private static final long HEAP_BYTES = 4L << 20;

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void readsADamagedCheckpointEquallyOrNotAtAll(long seed) {
    MemoryFiles files = MemoryFiles.fileSystem();
    CheckpointManifest whole = TestCheckpoints.save(TestCheckpoints.on(files), 2, "a", 2);
    SplittableRandom random = new SplittableRandom(seed);
    int refused = 0;
    for (int i = 0; i < CASES; i++) {
      String path = files.paths().get(random.nextInt(files.paths().size()));
      byte[] sound = files.bytes(path);
      byte[] damaged = damage(sound, random);
      files.put(path, damaged);
      long allocated = allocatedBytes();
      try {
        Checkpoints checkpoints = new Checkpoints(files, warning -> {});
        CheckpointManifest manifest = checkpoints.latest().orElseThrow();
        assertThat(manifest).isEqualTo(whole);
        TestCheckpoints.requireContents(checkpoints, manifest);
      } catch (CheckpointException e) {
        assertThat(e.getMessage()).startsWith("memory:/").matches("\\P{Cntrl}+");
        refused++;
      } catch (RuntimeException | Error e) {
        fail("seed %d, case %d, file %s: %s".formatted(seed, i, path, e), e);
      }
      assertThat(allocatedBytes() - allocated)
          .as("seed %d, case %d", seed, i)
          .isLessThan(HEAP_BYTES);
      files.put(path, sound);
    }
    // The few that are accepted differ in nothing that is stored, such as a space for a space.
    assertThat(refused).isGreaterThan(CASES * 9 / 10);
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23, 24})
  void readsADamagedSafetensorsFileInsideItsBoundsOrNotAtAll(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < CASES; i++) {
      MemoryFiles files = MemoryFiles.fileSystem();
      SafetensorsWriter.write(
          files,
          "a",
          Tensors.random(random, 6).stream()
              .map(spec -> Tensors.of(spec.name(), spec.dtype(), spec.shape(), seed))
              .toList(),
          Map.of("k", "v"));
      files.put("a", damage(files.bytes("a"), random));
      long allocated = allocatedBytes();
      try (SafetensorsReader reader = SafetensorsReader.open(files, "a")) {
        long bytes = 0;
        for (TensorSpec spec : reader.tensors()) {
          bytes += Tensors.read(reader, spec.name()).length;
        }
        assertThat(bytes).isLessThan(files.size("a"));
      } catch (CheckpointException e) {
        assertThat(e.getMessage()).startsWith("memory:/a: ").matches("\\P{Cntrl}+");
      } catch (Exception | Error e) {
        fail("seed %d, case %d: %s".formatted(seed, i, e), e);
      }
      assertThat(allocatedBytes() - allocated)
          .as("seed %d, case %d", seed, i)
          .isLessThan(HEAP_BYTES);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {31, 32})
  void decodesDamagedShardInformationOrRefusesIt(long seed) {
    MemoryFiles files = MemoryFiles.fileSystem();
    byte[] sound = TestCheckpoints.write(TestCheckpoints.on(files), 2, "a", 0, 2).encode();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < CASES; i++) {
      try {
        ShardInfo.decode(damage(sound, random));
      } catch (CheckpointException e) {
        assertThat(e.getMessage()).startsWith("shard information: ").matches("\\P{Cntrl}+");
      } catch (RuntimeException | Error e) {
        fail("seed %d, case %d: %s".formatted(seed, i, e), e);
      }
    }
  }

  /** Flips bits, overwrites, truncates, or extends. */
  private static byte[] damage(byte[] sound, SplittableRandom random) {
    byte[] bytes = sound.clone();
    switch (random.nextInt(5)) {
      case 0 -> {
        return Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
      case 1 -> {
        return Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(20));
      }
      case 2 ->
          bytes[random.nextInt(Math.min(bytes.length, 12))] ^= (byte) (1 << random.nextInt(8));
      case 3 -> {
        String digits = "0123456789-.e\"[]{},: ";
        bytes[random.nextInt(bytes.length)] = (byte) digits.charAt(random.nextInt(digits.length()));
      }
      default -> {
        int flips = 1 + random.nextInt(4);
        for (int i = 0; i < flips; i++) {
          bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
    }
    return bytes;
  }

  private static long allocatedBytes() {
    return ManagementFactory.getPlatformMXBean(ThreadMXBean.class)
        .getThreadAllocatedBytes(Thread.currentThread().getId());
  }
}
