package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What checkpoints rely on, for every storage that renames. */
public interface CheckpointFilesContract {
  /** Files below an empty root that may not exist yet. */
  CheckpointFiles files();

  /** Writes a file. */
  static void write(CheckpointFiles files, String path, byte[] bytes) throws IOException {
    try (CheckpointFiles.Sink sink = files.create(path)) {
      sink.write(ByteBuffer.wrap(bytes));
      sink.complete();
    }
  }

  /** Reads a file, however few bytes each request gives. */
  static byte[] read(CheckpointFiles files, String path) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(files.size(path)));
    try (CheckpointFiles.Source source = files.open(path)) {
      while (bytes.hasRemaining()) {
        assertThat(source.read(bytes.position(), bytes)).isPositive();
      }
      assertThat(source.read(bytes.capacity(), ByteBuffer.allocate(1))).isEqualTo(-1);
    }
    return bytes.array();
  }

  /** A root that does not exist is an empty directory. */
  @Test
  default void treatsAMissingDirectoryAsEmpty() throws IOException {
    assertThat(files().list("")).isEmpty();
    assertThat(files().list("a/b")).isEmpty();
    assertThat(files().exists("a")).isFalse();
    files().delete("a");
  }

  /** Files appear under their names, sorted, without what the storage keeps for itself. */
  @Test
  default void listsNamesSorted() throws IOException {
    files().createDirectories("d/e");
    files().createDirectories("d/e");
    write(files(), "d/b", new byte[1]);
    write(files(), "d/a", new byte[0]);
    assertThat(files().list("d")).containsExactly("a", "b", "e");
    assertThat(files().list("")).containsExactly("d");
    assertThat(files().exists("d/a")).isTrue();
    assertThat(files().exists("d/e")).isTrue();
    assertThat(files().exists("d/c")).isFalse();
  }

  /** Off-heap and heap buffers, larger than any copy buffer, read from any position. */
  @Test
  default void givesBackWhatWasWritten() throws IOException {
    byte[] bytes = new byte[300_001];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 31 + i / 256);
    }
    files().createDirectories("d");
    try (CheckpointFiles.Sink sink = files().create("d/f")) {
      ByteBuffer direct = ByteBuffer.allocateDirect(200_000).put(bytes, 0, 200_000).flip();
      sink.write(direct);
      assertThat(direct.hasRemaining()).isFalse();
      sink.write(ByteBuffer.wrap(bytes, 200_000, 100_001));
      sink.complete();
    }
    assertThat(files().size("d/f")).isEqualTo(bytes.length);
    assertThat(read(files(), "d/f")).isEqualTo(bytes);
    try (CheckpointFiles.Source source = files().open("d/f")) {
      ByteBuffer some = ByteBuffer.allocateDirect(3);
      assertThat(source.read(299_999, some)).isEqualTo(2);
      some.flip();
      assertThat(some.get()).isEqualTo(bytes[299_999]);
      assertThat(some.get()).isEqualTo(bytes[300_000]);
    }
    write(files(), "d/f", new byte[] {1});
    assertThat(read(files(), "d/f")).containsExactly(1);
  }

  /** Closing without completing leaves nothing. */
  @Test
  default void discardsAFileThatWasNotCompleted() throws IOException {
    files().createDirectories("d");
    try (CheckpointFiles.Sink sink = files().create("d/f")) {
      sink.write(ByteBuffer.allocate(10));
    }
    assertThat(files().list("d")).isEmpty();
  }

  /** A directory moves with all it holds; an existing target is refused and left alone. */
  @Test
  default void renamesADirectoryButNeverOverOrIntoAnother() throws IOException {
    files().createDirectories("a");
    write(files(), "a/f", new byte[] {1});
    files().rename("a", "b");
    assertThat(files().exists("a")).isFalse();
    assertThat(read(files(), "b/f")).containsExactly(1);

    files().createDirectories("c");
    assertThatThrownBy(() -> files().rename("b", "c")).isInstanceOf(IOException.class);
    assertThat(files().list("c")).isEmpty();
    assertThat(files().list("b")).containsExactly("f");
    assertThatThrownBy(() -> files().rename("none", "d")).isInstanceOf(IOException.class);
    assertThat(files().renamesAtomically()).isTrue();
  }

  /** Deleting takes a whole directory and nothing else. */
  @Test
  default void deletesDirectoriesWithAllTheyHold() throws IOException {
    files().createDirectories("a/b");
    files().createDirectories("ab");
    write(files(), "a/b/f", new byte[1]);
    files().delete("a");
    assertThat(files().list("")).isEqualTo(List.of("ab"));
  }

  /** What is not there is an {@link IOException}. */
  @Test
  default void reportsAMissingFile() throws IOException {
    files().createDirectories("d");
    assertThatThrownBy(() -> files().size("d/f")).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> files().open("d/f").close()).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> files().create("none/../f").close())
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** No path leads out of the root. */
  @Test
  default void refusesPathsThatAreNotRelativeNames() {
    for (String path : List.of("/", "/etc", "..", "a/..", "a//b", "a/", ".", "a\\b", "C:", "a\0")) {
      assertThatThrownBy(() -> files().exists(path))
          .as(path)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** The whole protocol on this storage. */
  @Test
  default void keepsCheckpoints() {
    Checkpoints checkpoints = TestCheckpoints.on(files());
    TestCheckpoints.save(checkpoints, 1, "a", 2);
    TestCheckpoints.save(checkpoints, 2, "a", 3);
    TestCheckpoints.save(checkpoints, 2, "b", 2);
    assertThat(checkpoints.latestVerified().map(CheckpointManifest::attempt)).contains("b");
    TestCheckpoints.requireContents(checkpoints, checkpoints.latest().orElseThrow());
    assertThat(checkpoints.prune(1, Long.MAX_VALUE)).isEqualTo(1);
    assertThat(checkpoints.latestBefore(2)).isEmpty();
  }
}
