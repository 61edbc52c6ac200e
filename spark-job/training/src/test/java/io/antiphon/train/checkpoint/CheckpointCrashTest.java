package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Saving with a fault at every single operation in turn. */
final class CheckpointCrashTest {
  private static final int RANKS = 2;

  static Stream<Arguments> faults() {
    return Stream.of(MemoryFiles.Fault.values())
        .flatMap(fault -> Stream.of(Arguments.of(fault, false), Arguments.of(fault, true)));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void leavesNothingOrAllOfTheFirstCheckpoint(MemoryFiles.Fault fault, boolean objectStore) {
    for (int operation = 0; ; operation++) {
      MemoryFiles files = files(objectStore);
      Outcome outcome = saveWithFault(files, operation, fault);
      Optional<CheckpointManifest> latest = requireSoundLatest(files);
      assertThat(latest.isPresent() || !outcome.committed()).as("after " + operation).isTrue();
      requireNextCommitToCleanUp(files);
      if (!outcome.faulted()) {
        assertThat(operation).isGreaterThan(20);
        return;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("faults")
  void leavesTheOldOrTheNewCheckpoint(MemoryFiles.Fault fault, boolean objectStore) {
    for (int operation = 0; ; operation++) {
      MemoryFiles files = files(objectStore);
      TestCheckpoints.save(TestCheckpoints.on(files), 1, "a", RANKS);
      Outcome outcome = saveWithFault(files, operation, fault);
      CheckpointManifest latest = requireSoundLatest(files).orElseThrow();
      assertThat(latest.step())
          .as("after " + operation)
          .isBetween(outcome.committed() ? 2L : 1L, 2L);
      requireNextCommitToCleanUp(files);
      if (!outcome.faulted()) {
        return;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("faults")
  void leavesTheReplacedOrTheNewCheckpointOfOneStep(MemoryFiles.Fault fault, boolean objectStore) {
    for (int operation = 0; ; operation++) {
      MemoryFiles files = files(objectStore);
      TestCheckpoints.save(TestCheckpoints.on(files), 1, "a", RANKS);
      TestCheckpoints.save(TestCheckpoints.on(files), 2, "a", 3);
      Outcome outcome = saveWithFault(files, operation, fault);
      CheckpointManifest latest = requireSoundLatest(files).orElseThrow();
      assertThat(latest.step()).as("after " + operation).isEqualTo(2);
      assertThat(latest.attempt()).isIn(outcome.committed() ? List.of("b") : List.of("a", "b"));
      requireNextCommitToCleanUp(files);
      if (!outcome.faulted()) {
        return;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("faults")
  void replacesACheckpointThatIsDamaged(MemoryFiles.Fault fault, boolean objectStore) {
    for (int operation = 0; ; operation++) {
      MemoryFiles files = files(objectStore);
      TestCheckpoints.save(TestCheckpoints.on(files), 1, "a", RANKS);
      TestCheckpoints.save(TestCheckpoints.on(files), 2, "a", RANKS);
      files.put("step-00000002/manifest.json", new byte[] {'{'});
      Outcome outcome = saveWithFault(files, operation, fault);
      CheckpointManifest latest = quiet(files).latestVerified().orElseThrow();
      TestCheckpoints.requireContents(quiet(files), latest);
      assertThat(latest.step())
          .as("after " + operation)
          .isBetween(outcome.committed() ? 2L : 1L, 2L);
      requireNextCommitToCleanUp(files);
      if (!outcome.faulted()) {
        return;
      }
    }
  }

  /** Whether the commit returned, and whether the planned operation was reached at all. */
  private record Outcome(boolean committed, boolean faulted) {}

  /** Saves step 2 as attempt b and prunes to one, with a fault on the way. */
  private static Outcome saveWithFault(MemoryFiles files, int operation, MemoryFiles.Fault fault) {
    boolean committed = false;
    files.failAfter(operation, fault);
    try {
      Checkpoints checkpoints = quiet(files);
      TestCheckpoints.save(checkpoints, 2, "b", RANKS);
      committed = true;
      checkpoints.prune(1, Long.MAX_VALUE);
    } catch (CheckpointException e) {
      assertThat(e).hasMessageContaining("memory:/");
    }
    return new Outcome(committed, files.recover());
  }

  private static Optional<CheckpointManifest> requireSoundLatest(MemoryFiles files) {
    Checkpoints checkpoints = TestCheckpoints.on(files); // nothing may need to be skipped
    Optional<CheckpointManifest> latest = checkpoints.latest();
    latest.ifPresent(manifest -> TestCheckpoints.requireContents(checkpoints, manifest));
    assertThat(checkpoints.latestVerified()).isEqualTo(latest);
    // What a prune left half done is no checkpoint any more.
    Optional<CheckpointManifest> older = latest;
    while (older.isPresent()) {
      older = checkpoints.latestBefore(older.get().step());
      older.ifPresent(manifest -> TestCheckpoints.requireContents(checkpoints, manifest));
    }
    return latest;
  }

  /** Saves step 3 as attempt c, after which each directory must be a checkpoint. */
  private static void requireNextCommitToCleanUp(MemoryFiles files) {
    Checkpoints checkpoints = quiet(files);
    TestCheckpoints.save(checkpoints, 3, "c", 1);
    TestCheckpoints.requireContents(checkpoints, checkpoints.latest().orElseThrow());
    checkpoints.prune(1, Long.MAX_VALUE);
    assertThat(files.paths())
        .allMatch(path -> path.startsWith("step-00000003/"))
        .hasSize(2)
        .contains("step-00000003/manifest.json");
  }

  private static MemoryFiles files(boolean objectStore) {
    return objectStore ? MemoryFiles.objectStore() : MemoryFiles.fileSystem();
  }

  private static Checkpoints quiet(MemoryFiles files) {
    return new Checkpoints(files, warning -> {});
  }
}
