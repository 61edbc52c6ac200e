package io.antiphon.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class EplbTest {

  /**
   * Worked by hand. Loads 90, 40, 30, 20 on 2 ranks with 1 slot: 6 places. Replicas: expert 0 has
   * the largest load per replica (90), then again (45 against 40): 3, 1, 1, 1. Heaviest first:
   * expert 1 (40) to rank 0; 0 (30) to rank 1; 0 to rank 1 (60); 0 to rank 0 (70), 2 (30) to rank
   * 1, which is then full; 3 to rank 0 (90). Both ranks carry 90.
   */
  @Test
  void theWorkedExample() {
    Eplb eplb = new Eplb(2, 4, 1, 10, 10);
    long[] loads = {90, 40, 30, 20};
    assertThat(eplb.replicate(loads)).containsExactly(3, 1, 1, 1);
    assertThat(eplb.place(loads)).containsExactly(1, 0, 3, 0, 0, 2);
  }

  /** The example of FlashLB's description: 8 experts on 8 ranks of 2; the busiest carries 232. */
  @Test
  void aPublishedExample() {
    Eplb eplb = new Eplb(8, 8, 1, 10, 10);
    long[] loads = {600, 560, 120, 120, 20, 10, 10, 10};
    int[] places = eplb.place(loads);
    int[] replicas = eplb.replicate(loads);
    double most = 0;
    for (int rank = 0; rank < 8; rank++) {
      double load = 0;
      for (int local = 0; local < 2; local++) {
        int expert = places[2 * rank + local];
        load += (double) loads[expert] / replicas[expert];
      }
      most = Math.max(most, load);
    }
    assertThat(Math.round(most)).isEqualTo(232);
  }

  @Test
  void everyExpertHasAPlaceAndHotterOnesNoFewerReplicas() {
    for (long seed = 1; seed <= 20; seed++) {
      Random random = new Random(seed);
      long[] loads = random.longs(24, 0, 1000).toArray();
      Eplb eplb = new Eplb(6, 24, 2, 10, 10);
      int[] replicas = eplb.replicate(loads);
      int[] places = eplb.place(loads);
      assertThat(Arrays.stream(replicas).sum()).as("seed %d", seed).isEqualTo(36);
      for (int expert = 0; expert < 24; expert++) {
        int wanted = expert;
        assertThat(Arrays.stream(places).filter(held -> held == wanted).count())
            .as("seed %d, expert %d", seed, expert)
            .isEqualTo(replicas[expert])
            .isPositive();
        for (int other = 0; other < 24; other++) {
          if (loads[expert] > loads[other]) {
            assertThat(replicas[expert]).isGreaterThanOrEqualTo(replicas[other]);
          }
        }
      }
    }
  }

  @Test
  void plansFromThePastOnlyAndOncePerPeriod() {
    Eplb eplb = new Eplb(2, 4, 1, 3, 10);
    int[] hotFirst = {100, 1, 1, 1, 100, 1, 1, 1};
    int[] hotLast = {1, 1, 1, 100, 1, 1, 1, 100};
    assertThat(eplb.next(0, hotFirst).expertOf()).containsExactly(0, 1, -1, 2, 3, -1);
    Eplb.Placement second = eplb.next(1, hotLast); // sees step 0 only
    assertThat(second.fresh()).isTrue();
    assertThat(Arrays.stream(second.expertOf()).filter(expert -> expert == 0).count()).isEqualTo(3);
    assertThat(eplb.next(2, hotLast).fresh()).isFalse();
    Eplb.Placement fourth = eplb.next(3, hotLast); // sees 200 of expert 0, 400 of expert 3
    assertThat(fourth.fresh()).isTrue();
    assertThat(Arrays.stream(fourth.expertOf()).filter(expert -> expert == 3).count()).isEqualTo(2);
  }

  @Test
  void oldStepsAreForgotten() {
    Eplb eplb = new Eplb(2, 4, 1, 1, 1);
    eplb.next(0, new int[] {100, 1, 1, 1, 100, 1, 1, 1});
    eplb.next(1, new int[] {1, 1, 1, 100, 1, 1, 1, 100});
    int[] places = eplb.next(2, new int[8]).expertOf();
    assertThat(Arrays.stream(places).filter(expert -> expert == 3).count()).isEqualTo(3);
  }
}
