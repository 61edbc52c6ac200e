package io.antiphon.job.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.data.files.FullFileSystem;
import io.antiphon.train.checkpoint.CheckpointException;
import io.antiphon.train.checkpoint.CheckpointFiles;
import io.antiphon.train.checkpoint.CheckpointFilesContract;
import io.antiphon.train.checkpoint.CheckpointManifest;
import io.antiphon.train.checkpoint.CheckpointMeta;
import io.antiphon.train.checkpoint.CheckpointReader;
import io.antiphon.train.checkpoint.Checkpoints;
import io.antiphon.train.checkpoint.Scalars;
import io.antiphon.train.checkpoint.ShardInfo;
import io.antiphon.train.checkpoint.StoredType;
import io.antiphon.train.checkpoint.TensorEntry;
import io.antiphon.train.checkpoint.World;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HadoopCheckpointFilesTest implements CheckpointFilesContract {
  private final Path directory;

  HadoopCheckpointFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Override
  public CheckpointFiles files() {
    return HadoopCheckpointFiles.of(directory.toUri() + "checkpoints", new Configuration());
  }

  @Test
  void namesTheSettingWhenThereIsNoFileSystem() {
    for (String unusable : List.of("nowhere://bucket/checkpoints", "s3a://bucket/run", "")) {
      assertThatThrownBy(() -> HadoopCheckpointFiles.of(unusable, new Configuration()))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith("checkpoint.dir: cannot use '" + unusable + "': ");
    }
  }

  @Test
  void reportsAFullDiskAsAFailureOfTheStorage() {
    CheckpointFiles full =
        HadoopCheckpointFiles.of(FullFileSystem.address(directory), FullFileSystem.configuration());
    Checkpoints checkpoints = new Checkpoints(full, warning -> {});
    TensorEntry tensor =
        new TensorEntry(
            "w",
            StoredType.I32,
            List.of(1L << 16),
            (offset, chunk) -> chunk.position(chunk.limit()));
    assertThatThrownBy(() -> checkpoints.begin(5, 0, "a").write(List.of(tensor)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("No space left on device")
        .hasMessageNotContaining("\n");
  }

  @Test
  void locatesFilesByTheirQualifiedPath() {
    assertThat(files().location("a/b")).startsWith("file:/").endsWith("/checkpoints/a/b");
  }

  @Test
  void commitsByTheManifestWhereRenamesAreNotKnownToBeAtomic() throws IOException {
    try (NoRename fileSystem = new NoRename()) {
      fileSystem.initialize(URI.create("objects:///"), new Configuration());
      CheckpointFiles files =
          new HadoopCheckpointFiles(
              fileSystem, new org.apache.hadoop.fs.Path("objects:" + directory + "/checkpoints"));
      assertThat(files.renamesAtomically()).isFalse();
      Checkpoints checkpoints =
          new Checkpoints(
              files,
              warning -> {
                throw new AssertionError(warning);
              });
      for (String attempt : List.of("a", "b")) {
        ShardInfo shard =
            checkpoints
                .begin(5, 0, attempt)
                .write(
                    List.of(
                        new TensorEntry(
                            "w",
                            StoredType.I32,
                            List.of(),
                            (offset, chunk) -> chunk.putInt(attempt.charAt(0)))));
        assertThat(files.list("step-00000005")).contains("rank-00000-" + attempt + ".safetensors");
        checkpoints.commit(
            5,
            List.of(shard),
            new CheckpointMeta(0, new World(1, 1), "", "", Scalars.none(), "test"));
      }
      assertThat(files.list("step-00000005"))
          .containsExactly("manifest.json", "rank-00000-b.safetensors");
      CheckpointManifest latest = checkpoints.latest().orElseThrow();
      try (CheckpointReader reader = checkpoints.open(latest)) {
        ByteBuffer value = ByteBuffer.allocate(4);
        reader.read("w", 0, value);
        assertThat(value.get(0)).isEqualTo((byte) 'b');
      }
    }
  }

  /** Local files under a scheme that Antiphon does not know, which refuse to be renamed. */
  private static final class NoRename extends RawLocalFileSystem {
    @Override
    public URI getUri() {
      return URI.create("objects:///");
    }

    @Override
    public String getScheme() {
      return "objects";
    }

    @Override
    public boolean rename(org.apache.hadoop.fs.Path from, org.apache.hadoop.fs.Path to) {
      throw new AssertionError("renamed " + from);
    }
  }
}
