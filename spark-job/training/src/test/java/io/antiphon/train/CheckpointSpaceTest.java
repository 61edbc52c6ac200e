package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.train.checkpoint.CheckpointException;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

final class CheckpointSpaceTest {
  private static final long GIB = 1L << 30;

  private static CheckpointSpace space(long coming, long freeBytes) {
    return new CheckpointSpace("/disk", 2 * GIB, coming, 3, OptionalLong.of(freeBytes));
  }

  @Test
  void aDiskForAllIsNoMatter() {
    assertThat(space(4, 8 * GIB).require()).isEmpty();
    assertThat(space(0, 0).require()).as("none is to come").isEmpty();
    assertThat(new CheckpointSpace("s3a://b", GIB, 4, 3, OptionalLong.empty()).require()).isEmpty();
  }

  @Test
  void aDiskForSomeIsAWarning() {
    assertThat(space(4, 8 * GIB - 1).require())
        .contains(
            "checkpoint.dir: later checkpoints will not fit: one takes 2.0 GiB, up to 4 more will"
                + " be there at once; 8.0 GiB are free in /disk; make room, set checkpoint.dir to a"
                + " larger disk, lower checkpoint.keep (now 3), or train without checkpoints:"
                + " checkpoint.enabled = false");
  }

  @Test
  void aDiskForNoneIsAnError() {
    assertThatThrownBy(() -> space(4, 2 * GIB - 1).require())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(
            "checkpoint.dir: the next checkpoint does not fit: one takes 2.0 GiB");
  }
}
