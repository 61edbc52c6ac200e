package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.cpu.Ranks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class NcclWaitTest {
  private static final long START = Long.MAX_VALUE - 5_000_000_000L; // the clock may wrap

  private final ByteBuffer words =
      ByteBuffer.allocateDirect(NcclWait.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  @Test
  void onlyOneWaitThatLastsTooLongIsOverdue() {
    Ranks.run(
        2,
        transport -> {
          if (transport.rank() == 1) {
            check(new NcclWait(words, Members.world(transport), Duration.ofSeconds(10)));
          }
          return transport.rank();
        });
  }

  private void check(NcclWait wait) {
    assertThat(wait.overdue(at(0))).isEmpty();
    words.putInt(0, 1).putInt(4, Operation.COMBINE.number());
    assertThat(wait.overdue(at(100))).as("seen for the first time").isEmpty();
    assertThat(wait.overdue(at(109))).isEmpty();
    assertThat(wait.overdue(at(110)))
        .contains("rank 1 waited 10.0 s for some rank at combine of rows in group [0, 1]");
    words.putInt(0, 2);
    assertThat(wait.overdue(at(120))).as("over").isEmpty();
    assertThat(wait.overdue(at(140))).isEmpty();
    words.putInt(0, 5);
    assertThat(wait.overdue(at(141))).as("another wait").isEmpty();
    words.putInt(0, 7);
    assertThat(wait.overdue(at(152))).as("and another").isEmpty();
    words.putInt(0, -1); // the count wraps
    assertThat(wait.overdue(at(153))).isEmpty();
    assertThat(wait.overdue(at(163))).isPresent();
  }

  private static long at(long seconds) {
    return START + seconds * 1_000_000_000L;
  }
}
