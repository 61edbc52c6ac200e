package io.antiphon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.tensor.CommException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every transport promises, whatever carries the messages. */
@Timeout(120)
public abstract class TransportContract {
  /** How long a message of a test may take. */
  protected static final Duration LONG = Duration.ofSeconds(60);

  /** A new group, one transport per rank. */
  protected abstract List<Transport> group(int ranks, Duration timeout) throws Exception;

  /** Six of these are more than a network transport keeps unacknowledged. */
  protected int bigMessageBytes() {
    return 48 << 20;
  }

  @Test
  void allToAllOfRandomSizesArrivesWholeAndInOrder() throws Exception {
    int ranks = 4;
    int rounds = 60;
    Ranks.run(
        group(ranks, LONG),
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
          transport.close();
          return transport;
        });
  }

  @Test
  void aMessageIsTheBytesBetweenPositionAndLimitAtTheTimeOfTheCall() throws Exception {
    List<Transport> group = group(2, LONG);
    ByteBuffer buffer = ByteBuffer.allocate(16).position(4).limit(12);
    buffer.putInt(4, 7);
    group.get(0).send(1, buffer);
    buffer.putInt(4, 8);
    assertThat(buffer.position()).isEqualTo(4);
    assertThat(buffer.limit()).isEqualTo(12);

    ByteBuffer received = group.get(1).receive(0);
    assertThat(received.position()).isZero();
    assertThat(received.remaining()).isEqualTo(8);
    assertThat(received.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(received.order(ByteOrder.BIG_ENDIAN).getInt()).isEqualTo(7);
    closeAll(group);
  }

  @Test
  void anEmptyMessageIsAMessage() throws Exception {
    List<Transport> group = group(2, LONG);
    group.get(0).send(1, ByteBuffer.allocate(0));
    group.get(0).send(1, ByteBuffer.allocate(1));
    assertThat(group.get(1).receive(0).hasRemaining()).isFalse();
    assertThat(group.get(1).receive(0).remaining()).isEqualTo(1);
    closeAll(group);
  }

  @Test
  void allMayBeSentBeforeAnythingIsReceived() throws Exception {
    List<Transport> group = group(2, LONG);
    int messages = 6;
    ByteBuffer big = ByteBuffer.allocateDirect(bigMessageBytes());
    for (int i = 0; i < messages; i++) {
      big.putInt(0, i).putInt(big.capacity() - Integer.BYTES, ~i);
      group.get(0).send(1, big);
    }
    for (int i = 0; i < messages; i++) {
      ByteBuffer received = group.get(1).receive(0).order(ByteOrder.BIG_ENDIAN);
      assertThat(received.remaining()).isEqualTo(big.capacity());
      assertThat(received.getInt(0)).isEqualTo(i);
      assertThat(received.getInt(big.capacity() - Integer.BYTES)).isEqualTo(~i);
    }
    closeAll(group);
  }

  @Test
  void aSilentPeerIsNamedAfterTheTimeLimit() throws Exception {
    List<Transport> group = group(3, Duration.ofMillis(500));
    assertThatThrownBy(() -> group.get(2).receive(1))
        .isInstanceOf(CommException.class)
        .hasMessageContaining("rank 2: no message from rank 1")
        .hasMessageContaining("limit 0.5 s");
  }

  @Test
  void abortWakesEveryWaitingRankWithTheFirstReason() throws Exception {
    List<Transport> group = group(3, LONG);
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      List<Future<ByteBuffer>> waiting =
          List.of(
              threads.submit(() -> group.get(0).receive(2)),
              threads.submit(() -> group.get(1).receive(0)));
      threads.submit(() -> group.get(2).abort("disk full")).get();
      group.get(2).abort("later reason");
      for (Future<ByteBuffer> receive : waiting) {
        assertThatThrownBy(() -> receive.get(30, TimeUnit.SECONDS))
            .isInstanceOf(ExecutionException.class)
            .cause()
            .isInstanceOf(CommException.class)
            .hasMessageContaining("rank 2 gave up: disk full");
      }
      assertThatThrownBy(() -> group.get(0).send(1, ByteBuffer.allocate(1)))
          .isInstanceOf(CommException.class)
          .hasMessageContaining("disk full");
      assertThatThrownBy(() -> group.get(2).receive(0))
          .isInstanceOf(CommException.class)
          .hasMessageContaining("disk full");
    } finally {
      threads.shutdownNow();
      closeAll(group);
    }
  }

  @Test
  void whatARankSentBeforeItLeftIsStillReadButNothingMoreIsAwaited() throws Exception {
    List<Transport> group = group(2, LONG);
    group.get(0).send(1, ByteBuffer.allocate(3));
    group.get(0).close();
    assertThat(group.get(1).receive(0).remaining()).isEqualTo(3);
    assertThatThrownBy(() -> group.get(1).receive(0))
        .isInstanceOf(CommException.class)
        .hasMessage("rank 1 waits for rank 0, which has left the group");
    group.get(1).close();
  }

  @Test
  void anInterruptedWaitEndsAndKeepsTheInterrupt() throws Exception {
    List<Transport> group = group(2, LONG);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> group.get(0).receive(1))
        .isInstanceOf(CommException.class)
        .hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).isTrue();
    closeAll(group);
  }

  @Test
  void anUnknownPeerIsRefused() throws Exception {
    List<Transport> group = group(2, LONG);
    assertThatThrownBy(() -> group.get(0).send(2, ByteBuffer.allocate(1)))
        .isInstanceOf(RuntimeException.class);
    closeAll(group);
  }

  /** Content and size (0 to 256 KiB, heap or direct) derive from sender, receiver and round. */
  private static ByteBuffer message(int from, int to, int round) {
    Random random = new Random(((long) from << 40) + ((long) to << 20) + round);
    int bytes = random.nextInt(4) == 0 ? random.nextInt(1 << 18) : random.nextInt(64);
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    ByteBuffer buffer =
        random.nextBoolean() ? ByteBuffer.allocate(bytes) : ByteBuffer.allocateDirect(bytes);
    return buffer.put(content).flip();
  }

  /** Leaves with all ranks at once, as they do at the end of a run. */
  private static void closeAll(List<Transport> group) {
    Ranks.run(
        group,
        transport -> {
          transport.close();
          return transport;
        });
  }
}
