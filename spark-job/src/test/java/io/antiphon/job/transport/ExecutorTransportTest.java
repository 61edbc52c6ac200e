package io.antiphon.job.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.antiphon.tensor.CommException;
import io.antiphon.transport.Transport;
import io.antiphon.transport.TransportContract;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ranks in several JVMs, over Spark's network library. */
class ExecutorTransportTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Map<String, String> OPEN = Map.of();
  private static final Map<String, String> SECRET =
      Map.of("spark.authenticate", "true", "spark.authenticate.secret", "our secret");

  /** The contract, with the groups of a test closed after it. */
  abstract static class Contract extends TransportContract {
    private final List<ExecutorGroup> open = new ArrayList<>();

    List<Transport> group(List<Integer> ranksPerRoom, Duration timeout, Map<String, String> with) {
      ExecutorGroup group = ExecutorGroup.open(ranksPerRoom, timeout, List.of(with));
      open.add(group);
      return group.join();
    }

    @AfterEach
    void closeRooms() {
      open.forEach(ExecutorGroup::close);
    }
  }

  @Nested
  class EveryRankInItsOwnJvm extends Contract {
    @Override
    protected List<Transport> group(int ranks, Duration timeout) {
      return group(Collections.nCopies(ranks, 1), timeout, OPEN);
    }
  }

  @Nested
  class AllRanksInOneJvm extends Contract {
    @Override
    protected List<Transport> group(int ranks, Duration timeout) {
      return group(List.of(ranks), timeout, OPEN);
    }
  }

  @Nested
  class SomeRanksInTheSameJvm extends Contract {
    @Override
    protected List<Transport> group(int ranks, Duration timeout) {
      return group(List.of(1, ranks - 1), timeout, OPEN);
    }
  }

  @Nested
  class AuthenticatedAndEncrypted extends Contract {
    @Override
    protected List<Transport> group(int ranks, Duration timeout) {
      return group(
          Collections.nCopies(ranks, 1),
          timeout,
          Map.of(
              "spark.authenticate",
              "true",
              "spark.authenticate.secret",
              "our secret",
              "spark.network.crypto.enabled",
              "true"));
    }
  }

  @Nested
  class EncryptedBySasl extends Contract {
    /** This kind of encryption takes seconds for what the others do in one. */
    @Override
    protected int bigMessageBytes() {
      return 1 << 20;
    }

    @Override
    protected List<Transport> group(int ranks, Duration timeout) {
      return group(
          Collections.nCopies(ranks, 1),
          timeout,
          Map.of(
              "spark.authenticate",
              "true",
              "spark.authenticate.secret",
              "our secret",
              "spark.authenticate.enableSaslEncryption",
              "true"));
    }
  }

  @Test
  @Timeout(60)
  void aLostPeerEndsEveryWaitAtOnce() throws Exception {
    try (ExecutorGroup group = ExecutorGroup.open(List.of(2, 1), LONG, List.of(OPEN))) {
      List<Transport> ranks = group.join();
      ranks.get(2).send(0, ByteBuffer.allocate(1));
      ranks.get(0).receive(2);
      ExecutorService threads = Executors.newFixedThreadPool(2);
      try {
        List<Future<ByteBuffer>> waiting =
            List.of(
                threads.submit(() -> ranks.get(0).receive(2)),
                threads.submit(() -> ranks.get(1).receive(0)));
        group.kill(2);
        for (Future<ByteBuffer> receive : waiting) {
          assertThatThrownBy(() -> receive.get(30, TimeUnit.SECONDS))
              .isInstanceOf(ExecutionException.class)
              .cause()
              .isInstanceOf(CommException.class)
              .hasMessageMatching(".*the connection (to|from) rank 2.* was lost.*");
        }
        assertThatThrownBy(() -> ranks.get(0).send(2, ByteBuffer.allocate(1)))
            .isInstanceOf(CommException.class);
      } finally {
        threads.shutdownNow();
      }
    }
  }

  @Test
  @Timeout(60)
  void aPeerThatCannotBeReachedIsNamed() {
    try (ExecutorGroup group = ExecutorGroup.open(List.of(1, 1), LONG, List.of(OPEN))) {
      group.kill(1);
      assertThatThrownBy(() -> group.join(0))
          .isInstanceOf(CommException.class)
          .hasMessageContaining("cannot connect to 127.0.0.1:");
    }
  }

  @Test
  @Timeout(60)
  void nobodyJoinsWithoutTheSecretOfTheApplication() {
    Map<String, String> other =
        Map.of("spark.authenticate", "true", "spark.authenticate.secret", "another secret");
    try (ExecutorGroup group = ExecutorGroup.open(List.of(1, 1), LONG, List.of(SECRET, other))) {
      assertThatThrownBy(() -> group.join(1)).isInstanceOf(CommException.class);
    }
    try (ExecutorGroup group = ExecutorGroup.open(List.of(1, 1), LONG, List.of(SECRET, OPEN))) {
      Transport stranger = group.join(1);
      assertThatThrownBy(() -> stranger.receive(0))
          .isInstanceOf(CommException.class)
          .hasMessageContaining("was lost");
    }
  }

  @Test
  @Timeout(60)
  void aRankOfAnotherAttemptIsTurnedAway() {
    try (ExecutorGroup ours = ExecutorGroup.open(List.of(1, 1), LONG, List.of(OPEN));
        ExecutorGroup late =
            ExecutorGroup.open(List.of(1, 1), Duration.ofSeconds(5), List.of(OPEN))) {
      Transport stranger = late.joinInstead(0, ours);
      assertThatThrownBy(() -> stranger.receive(1))
          .isInstanceOf(CommException.class)
          .hasMessageContaining("another attempt");
      List<Transport> ranks = ours.join();
      ranks.get(0).send(1, ByteBuffer.allocate(2));
      assertThat(ranks.get(1).receive(0).remaining()).isEqualTo(2);
    }
  }

  @Test
  @Timeout(60)
  void anExecutorTriesThePortsItMayUse() {
    try (ProcessRanks any = room(Map.of())) {
      int taken = any.placement().port();
      try (ProcessRanks next = room(Map.of(Wire.PORT, Integer.toString(taken)))) {
        assertThat(next.placement().port()).isBetween(taken + 1, taken + 16);
      }
      assertThatThrownBy(
              () -> room(Map.of(Wire.PORT, Integer.toString(taken), "spark.port.maxRetries", "0")))
          .isInstanceOf(CommException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1")
          .hasMessageContaining(Wire.PORT);
    }
  }

  private static ProcessRanks room(Map<String, String> properties) {
    return new ProcessRanks(
        UUID.randomUUID(), UUID.randomUUID(), 1, LONG, Optional.of(ExecutorGroup.wire(properties)));
  }
}
