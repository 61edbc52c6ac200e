package io.antiphon.job.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RankFrameTest {
  @Test
  void framesTravelAsBytes() {
    for (RankFrame frame :
        List.of(
            new RankFrame.Hello(new UUID(-1, 3), 12),
            new RankFrame.Abort("Störung"),
            new RankFrame.Abort(""),
            new RankFrame.Leave())) {
      assertThat(RankFrame.decode(frame.encoded())).isEqualTo(frame);
    }
  }

  @Test
  void aLongReasonIsCut() {
    RankFrame read = RankFrame.decode(new RankFrame.Abort("x".repeat(100_000)).encoded());

    assertThat(((RankFrame.Abort) read).reason()).hasSize(4004).endsWith("x ...");
  }

  @Test
  void otherBytesAreRefused() {
    for (byte[] bytes : List.of(new byte[0], new byte[] {9, 9}, new byte[] {1, 2, 3})) {
      assertThatThrownBy(() -> RankFrame.decode(ByteBuffer.wrap(bytes)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
