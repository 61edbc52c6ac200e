package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.tensor.CommException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ThreadTransportTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  @Test
  void allToAllOfRandomSizesArrivesWholeAndInOrder() throws Exception {
    int ranks = 8;
    int rounds = 200;
    List<Transport> group = ThreadTransport.group(ranks, LONG);
    onThreads(
        group,
        transport -> {
          for (int round = 0; round < rounds; round++) {
            for (int peer = 0; peer < ranks; peer++) {
              transport.send(peer, message(transport.rank(), peer, round));
            }
            for (int peer = 0; peer < ranks; peer++) {
              assertThat(transport.receive(peer))
                  .as("round %d, rank %d from rank %d", round, transport.rank(), peer)
                  .isEqualTo(message(peer, transport.rank(), round));
            }
          }
          return null;
        });
  }

  @Test
  void theSenderMayChangeItsBufferAtOnceAndItsPositionStays() {
    List<Transport> group = ThreadTransport.group(2, LONG);
    ByteBuffer buffer = ByteBuffer.allocate(16).position(4).limit(12);
    buffer.putInt(4, 7);
    group.get(0).send(1, buffer);
    buffer.putInt(4, 8);
    assertThat(buffer.position()).isEqualTo(4);
    assertThat(buffer.limit()).isEqualTo(12);
    ByteBuffer received = group.get(1).receive(0);
    assertThat(received.remaining()).isEqualTo(8);
    assertThat(received.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(received.order(ByteOrder.BIG_ENDIAN).getInt()).isEqualTo(7);
  }

  @Test
  void anEmptyMessageIsAMessage() {
    List<Transport> group = ThreadTransport.group(2, LONG);
    group.get(0).send(1, ByteBuffer.allocate(0));
    assertThat(group.get(1).receive(0).hasRemaining()).isFalse();
  }

  @Test
  void aSteadyExchangeReusesItsBuffers() {
    List<Transport> group = ThreadTransport.group(2, LONG);
    List<Long> addresses = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      group.get(0).send(1, ByteBuffer.allocate(1 << 20).putInt(0, i));
      ByteBuffer received = group.get(1).receive(0);
      assertThat(received.remaining()).isEqualTo(1 << 20);
      addresses.add((long) System.identityHashCode(received));
    }
    assertThat(addresses.stream().distinct().count()).isLessThanOrEqualTo(2);
  }

  @Test
  void aSilentPeerIsNamedAfterTheTimeLimit() {
    List<Transport> group = ThreadTransport.group(3, Duration.ofMillis(200));
    assertThatThrownBy(() -> group.get(2).receive(1))
        .isInstanceOf(CommException.class)
        .hasMessageContaining("rank 2: no message from rank 1")
        .hasMessageContaining("0.2 s");
  }

  @Test
  void abortWakesEveryWaitingRankWithTheFirstReason() throws Exception {
    List<Transport> group = ThreadTransport.group(3, LONG);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      List<Future<ByteBuffer>> waiting =
          List.of(
              threads.submit(() -> group.get(0).receive(2)),
              threads.submit(() -> group.get(1).receive(0)));
      group.get(2).abort("disk full");
      group.get(2).abort("later reason");
      for (Future<ByteBuffer> receive : waiting) {
        assertThatThrownBy(() -> receive.get(10, TimeUnit.SECONDS))
            .isInstanceOf(ExecutionException.class)
            .cause()
            .isInstanceOf(CommException.class)
            .hasMessageContaining("rank 2 gave up: disk full");
      }
      assertThatThrownBy(() -> group.get(0).send(1, ByteBuffer.allocate(1)))
          .isInstanceOf(CommException.class);
      assertThatThrownBy(() -> group.get(2).receive(0)).isInstanceOf(CommException.class);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void messagesOfARankThatLeftAreStillReadButNoFurtherOneIsAwaited() {
    List<Transport> group = ThreadTransport.group(2, LONG);
    group.get(0).send(1, ByteBuffer.allocate(3));
    group.get(0).close();
    assertThat(group.get(1).receive(0).remaining()).isEqualTo(3);
    assertThatThrownBy(() -> group.get(1).receive(0))
        .isInstanceOf(CommException.class)
        .hasMessage("rank 1 waits for rank 0, which has left the group");
  }

  @Test
  void anInterruptedWaitEndsAndKeepsTheInterrupt() {
    List<Transport> group = ThreadTransport.group(2, LONG);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> group.get(0).receive(1))
        .isInstanceOf(CommException.class)
        .hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void sizesOutsideTheLimitAreRefused() {
    TransportInbox inbox = new TransportInbox(0, 1, LONG);
    assertThatThrownBy(() -> inbox.buffer(0, Transport.MAX_MESSAGE_BYTES + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1073741824");
    assertThatThrownBy(() -> inbox.buffer(0, -1)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Content and size (0 to 64 KiB, heap or direct) derive from sender, receiver and round. */
  private static ByteBuffer message(int from, int to, int round) {
    Random random = new Random(((long) from << 40) + ((long) to << 20) + round);
    int bytes = random.nextInt(4) == 0 ? random.nextInt(1 << 16) : random.nextInt(64);
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    ByteBuffer buffer =
        random.nextBoolean() ? ByteBuffer.allocate(bytes) : ByteBuffer.allocateDirect(bytes);
    return buffer.put(content).flip();
  }

  private static void onThreads(List<Transport> group, RankBody body) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(group.size());
    try {
      List<Callable<Void>> bodies = new ArrayList<>();
      for (Transport transport : group) {
        bodies.add(() -> body.run(transport));
      }
      for (Future<Void> done : threads.invokeAll(bodies)) {
        done.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private interface RankBody {
    Void run(Transport transport) throws Exception;
  }
}
