package io.antiphon.comm;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.Members;
import io.antiphon.transport.Ranks;
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
    wait.requireInTime(at(0));
    words.putInt(0, 1).putInt(4, Operation.COMBINE.number());
    wait.requireInTime(at(100)); // seen for the first time
    wait.requireInTime(at(109));
    assertThatThrownBy(() -> wait.requireInTime(at(110)))
        .isInstanceOf(CommException.class)
        .hasMessage("rank 1 waited 10.0 s for some rank at combine of rows in group [0, 1]");
    words.putInt(0, 2); // over
    wait.requireInTime(at(120));
    wait.requireInTime(at(140));
    words.putInt(0, 5); // another
    wait.requireInTime(at(141));
    words.putInt(0, 7); // and another
    wait.requireInTime(at(152));
    words.putInt(0, -1); // the count wraps
    wait.requireInTime(at(153));
    assertThatThrownBy(() -> wait.requireInTime(at(163))).isInstanceOf(CommException.class);
  }

  private static long at(long seconds) {
    return START + seconds * 1_000_000_000L;
  }
}
