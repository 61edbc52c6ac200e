package io.antiphon.job.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RankPlacesTest {
  private static final Placement A1 = new Placement(new UUID(0, 7), "a", 1);
  private static final Placement A2 = new Placement(new UUID(0, 9), "a", 2);
  private static final Placement B1 = new Placement(new UUID(0, 1), "b", 3);

  @Test
  void ranksOfAHostAndOfAProcessFollowEachOther() {
    List<Placement> byPartition = List.of(B1, A2, A1, B1, A1, A2);

    assertThat(RankPlaces.of(byPartition, 0).byRank()).containsExactly(A1, A1, A2, A2, B1, B1);
    assertThat(
            List.of(0, 1, 2, 3, 4, 5).stream()
                .map(partition -> RankPlaces.of(byPartition, partition).rank()))
        .containsExactly(4, 2, 0, 5, 1, 3);
  }

  @Test
  void oneProcessKeepsTheOrderOfThePartitions() {
    for (int partition = 0; partition < 3; partition++) {
      assertThat(RankPlaces.of(List.of(A1, A1, A1), partition).rank()).isEqualTo(partition);
    }
  }

  @Test
  void aRankKnowsWhoIsInItsProcess() {
    RankPlaces places = RankPlaces.of(List.of(A1, A2, A1, B1), 2);

    assertThat(places.rank()).isEqualTo(1);
    assertThat(places.isHere(0)).isTrue();
    assertThat(places.isHere(2)).isFalse();
    assertThat(places.ranksOf(A1.process())).containsExactly(0, 1);
    assertThat(places.ranksOf(B1.process())).containsExactly(3);
  }

  @Test
  void aPlacementTravelsAsText() {
    assertThat(Placement.decode(A1.encoded())).isEqualTo(A1);
    Placement nowhere = new Placement(new UUID(1, 2), "", 0);
    assertThat(Placement.decode(nowhere.encoded())).isEqualTo(nowhere);
    assertThatThrownBy(() -> Placement.decode("hello"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
