package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CheckpointsTest {
  private final MemoryFiles files = MemoryFiles.fileSystem();
  private final List<String> warnings = new ArrayList<>();
  private final Checkpoints checkpoints = new Checkpoints(files, warnings::add);

  @Test
  void hasNoneAtFirst() {
    assertThat(checkpoints.latest()).isEmpty();
    assertThat(checkpoints.latestVerified()).isEmpty();
    assertThat(checkpoints.prune(1, Long.MAX_VALUE)).isZero();
    assertThatThrownBy(() -> checkpoints.at(3))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("memory:/: has no checkpoint of step 3");
  }

  @Test
  void laysOutOneDirectoryPerStep() {
    TestCheckpoints.save(checkpoints, 100, "a", 2);
    assertThat(files.paths())
        .containsExactly(
            "step-00000100/manifest.json",
            "step-00000100/rank-00000.safetensors",
            "step-00000100/rank-00001.safetensors");
  }

  @Test
  void ordersStepsAsNumbers() {
    TestCheckpoints.save(checkpoints, 99_999_999, "a", 1);
    TestCheckpoints.save(checkpoints, 100_000_000, "a", 1);
    assertThat(checkpoints.latest().map(CheckpointManifest::step)).contains(100_000_000L);
    assertThat(checkpoints.latestBefore(100_000_000).map(CheckpointManifest::step))
        .contains(99_999_999L);
    TestCheckpoints.requireContents(checkpoints, checkpoints.at(99_999_999));
  }

  @Test
  void ignoresWhatIsNotACheckpoint() {
    files.put("notes.txt", new byte[1]);
    files.put("step-00000009.tmp-x/manifest.json", new byte[1]);
    files.put("step-000000009/manifest.json", new byte[1]);
    files.put("step-9/manifest.json", new byte[1]);
    files.put("step-00000009/rank-00000.safetensors", new byte[1]);
    assertThat(checkpoints.latest()).isEmpty();
    assertThat(warnings).isEmpty();
  }

  @Test
  void takesTheShardsOfRanksThatWriteAtTheSameTime(@TempDir Path directory) throws Exception {
    int ranks = 8;
    Checkpoints shared = TestCheckpoints.on(new LocalCheckpointFiles(directory));
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      CyclicBarrier start = new CyclicBarrier(ranks);
      for (long step = 1; step <= 3; step++) {
        List<Future<ShardInfo>> reports = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
          int rank = r;
          long current = step;
          reports.add(
              threads.submit(
                  () -> {
                    start.await(60, TimeUnit.SECONDS);
                    return TestCheckpoints.write(shared, current, "a", rank, ranks);
                  }));
        }
        List<ShardInfo> shards = new ArrayList<>();
        for (Future<ShardInfo> report : reports) {
          shards.add(report.get(60, TimeUnit.SECONDS));
        }
        shared.commit(step, shards, TestCheckpoints.meta(step, ranks));
        TestCheckpoints.requireContents(shared, shared.latest().orElseThrow());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void givesManyReadersWhatFewWritersWrote() {
    TestCheckpoints.save(checkpoints, 4, "a", 2);
    for (int ranks : new int[] {1, 3, 6}) {
      for (int rank = 0; rank < ranks; rank++) {
        try (CheckpointReader reader = checkpoints.open(checkpoints.at(4))) {
          for (TensorSpec spec : TestCheckpoints.specs(rank, ranks)) {
            assertThat(TestCheckpoints.read(reader, spec.name()))
                .isEqualTo(Tensors.bytes(spec, TestCheckpoints.seed(4, "a")));
          }
        }
      }
    }
  }

  @Test
  void readsPartsOfATensor() {
    TestCheckpoints.save(checkpoints, 4, "a", 2);
    TensorSpec spec = TestCheckpoints.specs(0, 2).get(0);
    byte[] expected = Tensors.bytes(spec, TestCheckpoints.seed(4, "a"));
    try (CheckpointReader reader = checkpoints.open(checkpoints.at(4))) {
      ByteBuffer two = ByteBuffer.allocate(12).position(2).limit(10);
      reader.read(spec.name(), 5, two);
      assertThat(two.position()).isEqualTo(10);
      assertThat(Arrays.copyOfRange(two.array(), 2, 10))
          .isEqualTo(Arrays.copyOfRange(expected, 20, 28));
      assertThatThrownBy(() -> reader.read(spec.name(), 20, ByteBuffer.allocate(8)))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> reader.read(spec.name(), 0, ByteBuffer.allocate(7)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("7 bytes are not whole elements of dtype F32");
      assertThatThrownBy(() -> reader.read("layers.9.w", 0, ByteBuffer.allocate(4)))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(
              "memory:/step-00000004 has no tensor 'layers.9.w'; resume with the settings that"
                  + " wrote it");
    }
  }

  @Test
  void handsOutNoDamagedByte() {
    TestCheckpoints.save(checkpoints, 4, "a", 1);
    String name = "embedding.weight";
    String path = "step-00000004/rank-00000.safetensors";
    byte[] file = files.bytes(path);
    file[
        indexOf(
            file,
            Tensors.bytes(TestCheckpoints.specs(0, 1).get(0), TestCheckpoints.seed(4, "a")))]++;
    files.put(path, file);
    try (CheckpointReader reader = checkpoints.open(checkpoints.latest().orElseThrow())) {
      assertDamaged(() -> reader.read(name, 20, ByteBuffer.allocate(4)), name);
      assertDamaged(() -> TestCheckpoints.read(reader, name), name);
      assertDamaged(() -> reader.read(name, (offset, bytes) -> {}), name);
      assertDamaged(reader::verifyAll, name);
      assertDamaged(() -> reader.verifyShard(0), name);
      assertThat(TestCheckpoints.read(reader, "step")).hasSize(8);
    }
  }

  @Test
  void fallsBackToThePreviousCheckpointAndSaysWhy() {
    TestCheckpoints.save(checkpoints, 1, "a", 2);
    TestCheckpoints.save(checkpoints, 2, "a", 2);
    String shard = "step-00000002/rank-00001.safetensors";
    byte[] sound = files.bytes(shard);

    files.put(shard, Arrays.copyOf(sound, sound.length - 1));
    assertLatest(1, "checkpoint step-00000002 is skipped: memory:/" + shard + " has ");
    files.put(shard, new byte[sound.length]);
    assertLatest(1, "the header does not begin with '{'");
    byte[] otherName = sound.clone();
    otherName[indexOf(sound, "experts".getBytes(StandardCharsets.US_ASCII))] = 'E';
    files.put(shard, otherName);
    assertLatest(1, "its header lists other tensors than the manifest");
    byte[] lastByte = sound.clone();
    lastByte[sound.length - 1]++;
    files.put(shard, lastByte);
    assertThat(checkpoints.latest().map(CheckpointManifest::step)).contains(2L);
    assertThat(checkpoints.latestVerified().map(CheckpointManifest::step)).contains(1L);
    assertThat(warnings).singleElement().asString().contains("is damaged: the checksum of tensor");
    warnings.clear();

    files.put(shard, sound);
    byte[] manifest = files.bytes("step-00000002/manifest.json");
    files.put("step-00000002/manifest.json", Arrays.copyOf(manifest, 100));
    assertLatest(1, "manifest.json: not valid JSON");
    files.put("step-00000002/manifest.json", files.bytes("step-00000001/manifest.json"));
    assertLatest(1, "is of step 1, its directory of step 2");
  }

  @Test
  void asksTheUserWhenNoCheckpointIsValid() {
    TestCheckpoints.save(checkpoints, 1, "a", 1);
    files.put("step-00000001/manifest.json", new byte[0]);
    assertThatThrownBy(checkpoints::latest)
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(
            "memory:/: no valid checkpoint among 1; remove them, or begin anew elsewhere. The"
                + " newest: ");
  }

  @Test
  void refusesToCommitWhatIsNotThere() {
    TestCheckpoints.save(checkpoints, 1, "a", 2);
    List<ShardInfo> shards =
        List.of(
            TestCheckpoints.write(checkpoints, 2, "a", 0, 2),
            TestCheckpoints.write(checkpoints, 2, "a", 1, 2));
    files.put("step-00000002.tmp-a/rank-00001.safetensors", new byte[3]);
    assertThatThrownBy(() -> checkpoints.commit(2, shards, TestCheckpoints.meta(2, 2)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("step 2 was not committed; the one before it is still the latest")
        .hasMessageContaining("rank-00001.safetensors has 3 bytes, rank 1 wrote ");
    assertThat(checkpoints.latest().map(CheckpointManifest::step)).contains(1L);
  }

  @Test
  void checksTheShardsBeforeAnObjectStoreShowsTheManifest() {
    MemoryFiles objects = MemoryFiles.objectStore();
    Checkpoints store = TestCheckpoints.on(objects);
    List<ShardInfo> shards = List.of(TestCheckpoints.write(store, 2, "a", 0, 1));
    objects.put("step-00000002/rank-00000-a.safetensors", new byte[3]);
    assertThatThrownBy(() -> store.commit(2, shards, TestCheckpoints.meta(2, 1)))
        .isInstanceOf(CheckpointException.class);
    assertThat(store.latest()).isEmpty();
  }

  @Test
  void refusesReportsThatDoNotBelongTogether() {
    ShardInfo zero = TestCheckpoints.write(checkpoints, 2, "a", 0, 2);
    ShardInfo other = TestCheckpoints.write(checkpoints, 2, "b", 1, 2);
    assertNotCommitted(List.of(), "at least one rank");
    assertNotCommitted(List.of(zero), "1 shards for a world of 2 ranks");
    assertNotCommitted(List.of(zero, other), "rank 1 reports step 2 of attempt b");
    assertThatThrownBy(() -> checkpoints.commit(3, List.of(zero), TestCheckpoints.meta(3, 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected step 3");
    for (String attempt : List.of("", "a/b", "..", "a.b", "x".repeat(65))) {
      assertThatThrownBy(() -> checkpoints.begin(1, 0, attempt))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> checkpoints.begin(-1, 0, "a"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void leavesALaterCheckpointThatItsOwnRanksHaveBegun() {
    List<ShardInfo> first = List.of(TestCheckpoints.write(checkpoints, 1, "a", 0, 1));
    List<ShardInfo> second = List.of(TestCheckpoints.write(checkpoints, 2, "a", 0, 1));
    TestCheckpoints.write(checkpoints, 3, "crashed", 0, 1);
    checkpoints.commit(1, first, TestCheckpoints.meta(1, 1));
    assertThat(files.paths()).noneMatch(path -> path.contains("crashed"));
    checkpoints.commit(2, second, TestCheckpoints.meta(2, 1));
    TestCheckpoints.requireContents(checkpoints, checkpoints.latest().orElseThrow());
  }

  @Test
  void warnsWhenLeftoversCannotBeRemovedButCommits() {
    TestCheckpoints.write(checkpoints, 1, "crashed", 0, 1);
    List<ShardInfo> shards = List.of(TestCheckpoints.write(checkpoints, 2, "a", 0, 1));
    files.failAfter(4, MemoryFiles.Fault.REFUSED); // create, write and complete; rename
    checkpoints.commit(2, shards, TestCheckpoints.meta(2, 1));
    assertThat(files.recover()).isTrue();
    assertThat(warnings).singleElement().asString().contains("the next commit tries again");
    TestCheckpoints.requireContents(checkpoints, checkpoints.latest().orElseThrow());
  }

  @Test
  void prunesTheOldest() {
    for (long step = 1; step <= 5; step++) {
      TestCheckpoints.save(checkpoints, step, "a", 2);
    }
    assertThat(checkpoints.prune(3, Long.MAX_VALUE)).isEqualTo(2);
    assertThat(checkpoints.prune(3, Long.MAX_VALUE)).isZero();
    assertThat(checkpoints.latestBefore(3)).isEmpty();
    TestCheckpoints.requireContents(checkpoints, checkpoints.at(3));
    assertThatThrownBy(() -> checkpoints.prune(0, Long.MAX_VALUE))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(warnings).isEmpty();
  }

  @Test
  void oldOnesThatCannotBeDeletedAreAWarning() {
    for (long step = 1; step <= 3; step++) {
      TestCheckpoints.save(checkpoints, step, "a", 1);
    }
    files.failAfter(0, MemoryFiles.Fault.REFUSED);
    assertThat(checkpoints.prune(1, Long.MAX_VALUE)).isZero();
    assertThat(files.recover()).isTrue();
    assertThat(warnings).singleElement().asString().contains("the next one tries again");
    assertThat(checkpoints.prune(1, Long.MAX_VALUE)).isEqualTo(2);
    TestCheckpoints.requireContents(checkpoints, checkpoints.latest().orElseThrow());
  }

  @Test
  void neverPrunesTheNewestThatIsKnownToBeSound() {
    for (long step = 1; step <= 6; step++) {
      TestCheckpoints.save(checkpoints, step, "a", 1);
    }
    assertThat(checkpoints.prune(2, 3)).isEqualTo(3);
    assertThat(steps()).containsExactly(3L, 5L, 6L);
    assertThat(checkpoints.prune(2, 5)).isEqualTo(1);
    assertThat(checkpoints.prune(1, 6)).isEqualTo(1);
    assertThat(steps()).containsExactly(6L);
    assertThat(warnings).isEmpty();
  }

  @Test
  void prunesAsManyWhereNoneIsSound() {
    for (long step = 1; step <= 4; step++) {
      TestCheckpoints.save(checkpoints, step, "a", 1);
    }
    assertThat(checkpoints.prune(2, -1)).isEqualTo(2);
    assertThat(steps()).containsExactly(3L, 4L);
  }

  private List<Long> steps() {
    List<Long> steps = new ArrayList<>();
    checkpoints.latest().ifPresent(newest -> steps.add(newest.step()));
    while (!steps.isEmpty() && checkpoints.latestBefore(steps.get(0)).isPresent()) {
      steps.add(0, checkpoints.latestBefore(steps.get(0)).orElseThrow().step());
    }
    return steps;
  }

  @Test
  void neverPrunesTheLatestWholeOne() {
    for (long step = 1; step <= 4; step++) {
      TestCheckpoints.save(checkpoints, step, "a", 1);
    }
    files.put("step-00000004/manifest.json", new byte[0]);
    String shard = "step-00000003/rank-00000.safetensors";
    byte[] damaged = files.bytes(shard);
    damaged[damaged.length - 1]++; // only reading every byte can tell
    files.put(shard, damaged);
    Checkpoints restarted = new Checkpoints(files, warnings::add);
    assertThat(restarted.prune(1, Long.MAX_VALUE)).isEqualTo(1);
    assertThat(warnings).hasSize(2).allMatch(warning -> warning.contains("is not counted"));
    assertThat(restarted.latestVerified().map(CheckpointManifest::step)).contains(2L);
  }

  @Test
  void anObjectStoreTakesNoSecondCommitOfOneAttempt() {
    Checkpoints store = TestCheckpoints.on(MemoryFiles.objectStore());
    TestCheckpoints.save(store, 1, "a", 1);
    assertThatThrownBy(() -> store.begin(1, 0, "a"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("memory:/step-00000001 was committed by attempt a already");
  }

  private void assertLatest(long step, String warning) {
    assertThat(checkpoints.latest().map(CheckpointManifest::step)).contains(step);
    assertThat(warnings).singleElement().asString().contains(warning);
    warnings.clear();
  }

  private void assertNotCommitted(List<ShardInfo> shards, String reason) {
    assertThatThrownBy(() -> checkpoints.commit(2, shards, TestCheckpoints.meta(2, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  private static void assertDamaged(Runnable read, String tensor) {
    assertThatThrownBy(read::run)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "rank-00000.safetensors is damaged: the checksum of tensor '" + tensor);
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int i = 0; i + part.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    throw new AssertionError("not found");
  }
}
