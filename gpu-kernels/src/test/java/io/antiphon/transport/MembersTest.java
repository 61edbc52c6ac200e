package io.antiphon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MembersTest {
  @Test
  void aMemberGetsEveryValueInTheOrderOfTheGroup() {
    int[] group = {3, 0, 2};
    List<List<String>> results =
        Ranks.run(
            4,
            transport -> {
              if (transport.rank() == 1) {
                return List.of("3:3", "0:0", "2:2"); // takes no part
              }
              Members members = new Members(transport, group);
              ByteBuffer own = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).position(4);
              own.putInt(4, transport.rank()).putInt(8, members.worldRank(members.rank()));
              return members.exchange(own).stream()
                  .map(value -> value.getInt() + ":" + value.getInt())
                  .toList();
            });
    assertThat(results).containsOnly(List.of("3:3", "0:0", "2:2"));
  }

  @Test
  void aValueIsACopyOnAnArrayOfItsLength() {
    List<ByteBuffer> values =
        Ranks.run(
                2,
                transport -> {
                  Members world = Members.world(transport);
                  List<ByteBuffer> first = world.exchange(number(1, transport.rank()));
                  world.exchange(number(3, 7)); // may reuse what the first one received into
                  return first;
                })
            .get(1);
    assertThat(values.get(0).array()).containsExactly(0);
    assertThat(values.get(1).array()).containsExactly(1);
    assertThat(values).extracting(ByteBuffer::order).containsOnly(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer number(int bytes, int value) {
    return ByteBuffer.allocate(bytes).put(0, (byte) value);
  }

  @Test
  void theFirstMembersNumberCounts() {
    assertThat(
            Ranks.run(
                3,
                transport ->
                    new Members(transport, 2, 1, 0).numberOfTheFirst(-5L * transport.rank())))
        .containsOnly(-10L);
  }

  @Test
  void nobodyGoesOnBeforeEverybodyHasCome() {
    AtomicInteger arrived = new AtomicInteger();
    List<Integer> seen =
        Ranks.run(
            4,
            transport -> {
              arrived.incrementAndGet();
              Members.world(transport).meet();
              return arrived.get();
            });
    assertThat(seen).containsOnly(4);
  }

  @Test
  void aRankOutsideItsGroupIsRefused() {
    Transport alone = ThreadTransport.group(2, Duration.ofSeconds(1)).get(1);
    assertThatThrownBy(() -> new Members(alone, 0, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rank 1 is not in its own group [0, 2]");
  }
}
