package io.antiphon.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalCheckpointFilesTest implements CheckpointFilesContract {
  private final Path directory;

  LocalCheckpointFilesTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Override
  public CheckpointFiles files() {
    return new LocalCheckpointFiles(directory.resolve("run/checkpoints"));
  }

  @Test
  void locatesFilesByTheirAbsolutePath() {
    assertThat(files().location("a/b"))
        .isEqualTo(directory.resolve("run/checkpoints/a/b").toString());
  }
}
