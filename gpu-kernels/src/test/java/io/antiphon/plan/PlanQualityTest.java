package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The table of docs/echo.md 6: mean of max/mean rank load over 30 Zipf-like draws with 32,768
 * assignments per rank. The draws differ from the table's, hence the margins.
 */
class PlanQualityTest {
  private static final int DRAWS = 30;
  private static final int ASSIGNMENTS = 32_768;

  @ParameterizedTest(name = "{0} ranks, {1} experts, skew {2}")
  @CsvSource({
    // ranks, experts, skew; before; bin packing K=1; its clones; one-shot K=1, 2; its clones; K=4
    "8, 64, 0.5, 1.42, 1.055, 5, 1.056, 1.003, 7, 1.000",
    "8, 64, 1.0, 2.04, 1.113, 5, 1.126, 1.009, 7, 1.000",
    "16, 128, 1.0, 2.93, 1.108, 11, 1.256, 1.009, 15, 1.000",
    "64, 256, 0.5, 2.75, 1.107, 42, 1.196, 1.004, 63, 1.000",
    "64, 256, 1.0, 9.2, 1.115, 49, 1.355, 1.006, 63, 1.000"
  })
  void plansAreAsGoodAsTheSpecificationMeasured(
      int ranks,
      int experts,
      double skew,
      double before,
      double binPacking,
      double binPackingClones,
      double oneShot,
      double oneShotTwoSlots,
      double twoSlotClones,
      double oneShotFourSlots) {
    Mean none = Mean.of(new NoClonesPlanner(new PlanShape(ranks, experts, 0)), skew);
    Mean packed = Mean.of(new BinPackingPlanner(new PlanShape(ranks, experts, 1)), skew);
    Mean one = Mean.of(new OneShotPlanner(new PlanShape(ranks, experts, 1)), skew);
    Mean two = Mean.of(new OneShotPlanner(new PlanShape(ranks, experts, 2)), skew);
    Mean four = Mean.of(new OneShotPlanner(new PlanShape(ranks, experts, 4)), skew);

    assertThat(none.imbalance).isCloseTo(before, within(0.25 * before));
    assertThat(packed.imbalance).isCloseTo(binPacking, within(0.05));
    assertThat(one.imbalance).isCloseTo(oneShot, within(0.1));
    assertThat(two.imbalance).isCloseTo(oneShotTwoSlots, within(0.01));
    assertThat(four.imbalance).isCloseTo(oneShotFourSlots, within(0.001));
    assertThat(packed.clones).isCloseTo(binPackingClones, within(0.1 * binPackingClones));
    assertThat(two.clones).isCloseTo(twoSlotClones, within(0.1 * twoSlotClones));

    assertThat(two.imbalance).isLessThanOrEqualTo(1.02).isLessThan(one.imbalance);
    assertThat(four.imbalance).isLessThanOrEqualTo(two.imbalance);
    assertThat(packed.imbalance).isLessThan(none.imbalance);
    if (ranks > 8) {
      assertThat(packed.imbalance).isLessThan(one.imbalance);
    }
  }

  /** Means over the draws. */
  private record Mean(double imbalance, double clones) {
    static Mean of(Planner planner, double skew) {
      PlanShape shape = planner.shape();
      EchoPlan plan = new EchoPlan(shape);
      int[] loads = new int[shape.ranks()];
      double imbalance = 0;
      double clones = 0;
      for (int seed = 1; seed <= DRAWS; seed++) {
        int[] counts = zipf(shape, skew, seed);
        planner.plan(counts, plan);
        RankLoads.after(plan, counts, loads);
        double mean = Arrays.stream(loads).average().orElseThrow();
        imbalance += Arrays.stream(loads).max().orElseThrow() / mean / DRAWS;
        clones += (double) plan.cloneCount() / DRAWS;
      }
      return new Mean(imbalance, clones);
    }
  }

  /** Expected counts under a shuffled Zipf popularity, with the noise of sampling. */
  private static int[] zipf(PlanShape shape, double skew, long seed) {
    Random random = new Random(seed * 0x9E3779B97F4A7C15L);
    int[] place = RandomCounts.shuffled(shape.experts(), random);
    double[] popularity = Arrays.stream(place).mapToDouble(p -> Math.pow(1 + p, -skew)).toArray();
    double sum = Arrays.stream(popularity).sum();
    int[] counts = new int[shape.ranks() * shape.experts()];
    for (int i = 0; i < counts.length; i++) {
      double expected = ASSIGNMENTS * popularity[i % shape.experts()] / sum;
      counts[i] =
          (int) Math.max(0, Math.rint(expected + Math.sqrt(expected) * random.nextGaussian()));
    }
    return counts;
  }
}
