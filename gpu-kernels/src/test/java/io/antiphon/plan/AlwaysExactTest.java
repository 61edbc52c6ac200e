package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * With as many slots as home experts every plan reaches the mean, rounded up. {@code
 * -Dantiphon.matrices=100000} tries more.
 */
class AlwaysExactTest {
  private static final int MATRICES = Integer.getInteger("antiphon.matrices", 2_000);
  private static final int[] RANKS = {2, 3, 4, 5, 8, 13, 16, 32, 64, 128, 256};
  private static final int[] LOCAL_EXPERTS = {1, 2, 3, 4, 8};

  @Test
  void theLargestLoadIsTheMeanRoundedUp() {
    for (int seed = 1; seed <= MATRICES; seed++) {
      Random random = new Random(seed * 0x9E3779B97F4A7C15L);
      // Large groups are drawn less often: they take longer and show no more.
      int ranks = RANKS[Math.min(random.nextInt(RANKS.length), random.nextInt(RANKS.length))];
      int localExperts = LOCAL_EXPERTS[random.nextInt(ranks > 64 ? 2 : LOCAL_EXPERTS.length)];
      PlanShape shape = new PlanShape(ranks, ranks * localExperts, localExperts);
      int[] counts = HardCounts.draw(shape, random);
      String what = "seed " + seed + ", " + shape;

      EchoPlan plan = new EchoPlan(shape);
      new BalancedPlanner(shape, BalanceOptions.EXACT).plan(counts, plan);
      PlanInvariants.require(plan, counts);
      PlanInvariants.requirePrefix(plan);
      assertThat(maxLoad(plan, counts)).as(what).isEqualTo(meanRoundedUp(counts, ranks));

      GroupLoads loads = new GroupLoads(shape);
      loads.measure(counts);
      ClonePlacement alone = new ClonePlacement(shape, BalanceOptions.EXACT);
      alone.fillOneByOne(loads, loads.meanRoundedUp());
      assertThat(alone.maxLoad()).as("one by one, " + what).isEqualTo(loads.meanRoundedUp());
    }
  }

  @Test
  void oneSlotLessIsNotAlwaysEnough() {
    // The empty rank would have to take 9, the mean, but two clones bring it 8 at most; the other
    // 28
    // then need three ranks of 10.
    PlanShape shape = new PlanShape(4, 12, 2);
    int[] counts = new int[48];
    Arrays.fill(counts, 0, 9, 4);
    EchoPlan plan = new EchoPlan(shape);
    new BalancedPlanner(shape, BalanceOptions.EXACT).plan(counts, plan);
    assertThat(maxLoad(plan, counts)).isEqualTo(10);
  }

  private static int maxLoad(EchoPlan plan, int[] counts) {
    int[] loads = new int[plan.shape().ranks()];
    RankLoads.after(plan, counts, loads);
    return Arrays.stream(loads).max().orElseThrow();
  }

  private static int meanRoundedUp(int[] counts, int ranks) {
    long total = Arrays.stream(counts).asLongStream().sum();
    return (int) ((total + ranks - 1) / ranks);
  }
}
