package io.antiphon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Ranks as threads of one process. */
class ThreadTransportTest extends TransportContract {
  @Override
  protected List<Transport> group(int ranks, Duration timeout) {
    return ThreadTransport.group(ranks, timeout);
  }

  @Test
  void aSteadyExchangeReusesItsBuffers() {
    List<Transport> group = ThreadTransport.group(2, LONG);
    List<Integer> buffers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      group.get(0).send(1, ByteBuffer.allocate(1 << 20).putInt(0, i));
      ByteBuffer received = group.get(1).receive(0);
      assertThat(received.remaining()).isEqualTo(1 << 20);
      buffers.add(System.identityHashCode(received));
    }
    assertThat(buffers.stream().distinct().count()).isLessThanOrEqualTo(2);
  }

  @Test
  void sizesOutsideTheLimitAreRefused() {
    TransportInbox inbox = new TransportInbox(0, 1, LONG);
    assertThatThrownBy(() -> inbox.buffer(0, Transport.MAX_MESSAGE_BYTES + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1073741824");
    assertThatThrownBy(() -> inbox.buffer(0, -1)).isInstanceOf(IllegalArgumentException.class);
  }
}
