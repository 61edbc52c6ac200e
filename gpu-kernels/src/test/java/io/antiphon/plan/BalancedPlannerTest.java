package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The balanced planner on counts small enough to follow by hand. */
class BalancedPlannerTest {
  /** The counts of docs/echo.md 2.9: rank loads 57, 29, 52, 22; the mean is 40. */
  private static final int[] SPEC = {
    10, 2, 4, 4, 8, 4, 2, 6, //
    14, 1, 3, 6, 9, 3, 1, 3, //
    12, 0, 5, 3, 10, 4, 4, 2, //
    15, 3, 2, 2, 11, 3, 1, 3
  };

  private static final PlanShape SPEC_SHAPE = new PlanShape(4, 8, 1);

  private static EchoPlan plan(PlanShape shape, BalanceOptions options, int... counts) {
    EchoPlan plan = new EchoPlan(shape);
    new BalancedPlanner(shape, options).plan(counts, plan);
    PlanInvariants.require(plan, counts);
    PlanInvariants.requirePrefix(plan);
    return plan;
  }

  private static int[] loads(EchoPlan plan, int... counts) {
    int[] loads = new int[plan.shape().ranks()];
    RankLoads.after(plan, counts, loads);
    return loads;
  }

  @Test
  void aRankThatShedsMoreThanItsSurplusTakesAClone() {
    EchoPlan plan = plan(SPEC_SHAPE, BalanceOptions.EXACT, SPEC);
    // Rank 3 lacks 18 and takes them of expert 0; rank 0 is then 1 below the mean. Rank 1 lacks 11
    // and takes them of expert 4; rank 2, 1 above the mean, gives the last one to rank 0.
    assertThat(plan.slotHome()).containsExactly(4, 4, EchoPlan.UNUSED, 0);
    assertThat(plan.quota()).containsExactly(1, 11, 0, 18);
    assertThat(loads(plan, SPEC)).containsExactly(40, 40, 40, 40);
  }

  @Test
  void slotsTakeFromTheirOwnRankFirstAndFromTheHomeRankLast() {
    EchoPlan plan = plan(SPEC_SHAPE, BalanceOptions.EXACT, SPEC);
    int[] toSlot = plan.toSlot(); // [ranks, slots]
    // Expert 0 has 10, 14, 12, 15 from ranks 0 to 3: slot 3 takes the 15 of its own rank, and of
    // the
    // other 3 one or two from ranks 1 and 2 in proportion, none from rank 0, the home.
    assertThat(new int[] {toSlot[3], toSlot[7], toSlot[11], toSlot[15]})
        .containsExactly(0, 2, 1, 15);
    // Expert 4 has 8, 9, 10, 11; slots 0 and 1 take from their own ranks first.
    assertThat(new int[] {toSlot[0], toSlot[4], toSlot[8], toSlot[12]}).containsExactly(1, 0, 0, 0);
    assertThat(new int[] {toSlot[1], toSlot[5], toSlot[9], toSlot[13]}).containsExactly(1, 9, 0, 1);
  }

  @Test
  void withinTheBandNothingMoves() {
    PlanShape shape = new PlanShape(2, 2, 1);
    int[] counts = {51, 25, 51, 73}; // loads 102 and 98
    assertThat(plan(shape, BalanceOptions.EXACT.withTolerance(20_000), counts).cloneCount())
        .isZero();
    EchoPlan exact = plan(shape, BalanceOptions.EXACT.withTolerance(19_999), counts);
    // The band ends at 101.9; rank 1 is filled up to there with what it sends itself anyway.
    assertThat(loads(exact, counts)).containsExactly(99, 101);
  }

  @Test
  void aCloneBelowTheLeastQuotaIsNotMade() {
    PlanShape shape = new PlanShape(2, 2, 1);
    int[] counts = {60, 20, 60, 60}; // loads 120 and 80: 20 would move
    assertThat(plan(shape, BalanceOptions.EXACT.withMinQuota(20, 20), counts).quota())
        .containsExactly(0, 20);
    assertThat(plan(shape, BalanceOptions.EXACT.withMinQuota(21, 21), counts).quota())
        .as("the next best balance")
        .containsExactly(0, 21);
    assertThat(plan(shape, BalanceOptions.EXACT.withMinQuota(41, 41), counts).cloneCount())
        .as("41 would leave 79 and 121")
        .isZero();
    BalanceOptions apart = BalanceOptions.EXACT.withMinQuota(1, 41).withRanksPerNode(1);
    assertThat(plan(shape, apart, counts).cloneCount()).as("across nodes").isZero();
  }

  @Test
  void atEqualBalanceClonesStayInTheirNode() {
    // Ranks 0 and 1 share a node, ranks 2 and 3 another; ranks 1 and 2 are hot, 0 and 3 lack 10.
    PlanShape shape = new PlanShape(4, 4, 1);
    int[] counts = new int[16];
    counts[0] = 10;
    counts[1] = 30;
    counts[2] = 30;
    counts[3] = 10;
    EchoPlan plan = plan(shape, BalanceOptions.EXACT.withRanksPerNode(2), counts);
    assertThat(plan.slotHome()).containsExactly(1, EchoPlan.UNUSED, EchoPlan.UNUSED, 2);
    assertThat(loads(plan, counts)).containsOnly(20);
  }

  @Test
  void acrossNodesOtherNodesGiveBeforeTheHomesNode() {
    // Three nodes of two ranks; expert 0 is at home on rank 0, its clone on rank 5.
    PlanShape shape = new PlanShape(6, 6, 1);
    EchoPlan plan = new EchoPlan(shape);
    plan.place(5, 0, 45);
    int[] counts = new int[36];
    for (int source = 0; source < 6; source++) {
      counts[6 * source] = 10;
    }
    new LocalitySplit(shape, BalanceOptions.EXACT.withRanksPerNode(2)).split(counts, plan);
    int[] sent = new int[6];
    Arrays.setAll(sent, source -> plan.toSlot()[6 * source + 5]);
    assertThat(sent).containsExactly(0, 5, 10, 10, 10, 10);
  }

  @Test
  void noPairExceedsItsCapacity() {
    PlanShape shape = new PlanShape(2, 2, 1);
    int[] counts = {60, 0, 20, 0}; // all 80 on rank 0
    BalanceOptions options = BalanceOptions.EXACT.withPairCapacity(35);
    EchoPlan plan = plan(shape, options, counts);
    // Rank 0 has 60 for itself, 25 more than a pair holds: these go to rank 1 first.
    assertThat(plan.toSlot()[1]).isEqualTo(25);
    assertThat(plan.toSlot()[3]).isEqualTo(15);
    EchoPlan tight = plan(shape, options.withPairCapacity(10), counts);
    assertThat(tight.toSlot()[1]).as("limited by the pair").isEqualTo(10);
    assertThat(tight.quota()[1]).isEqualTo(tight.toSlot()[1] + tight.toSlot()[3]);
  }

  @Test
  void heldClonesArePreferredAndKeepTheirSlots() {
    PlanShape shape = new PlanShape(2, 6, 2);
    // Rank 0 has 90, rank 1 has 30: 30 move, and any of the three experts can give them.
    int[] counts = {30, 30, 30, 10, 10, 10, 0, 0, 0, 0, 0, 0};
    EchoPlan fresh = plan(shape, BalanceOptions.EXACT, counts);
    assertThat(fresh.slotHome()).containsExactly(-1, -1, 0, -1);
    int[] held = {-1, -1, 5, 2};
    EchoPlan plan = new EchoPlan(shape);
    new BalancedPlanner(shape, BalanceOptions.EXACT).plan(counts, held, plan);
    PlanInvariants.require(plan, counts);
    assertThat(plan.slotHome()).as("slot 3 holds expert 2 already").containsExactly(-1, -1, -1, 2);
    assertThat(loads(plan, counts)).containsExactly(60, 60);
  }

  @Test
  void heldClonesNeverCostBalance() {
    PlanShape shape = new PlanShape(2, 4, 1);
    int[] counts = {50, 10, 10, 10, 0, 0, 0, 0}; // 20 move; expert 1 alone cannot give them
    EchoPlan plan = new EchoPlan(shape);
    new BalancedPlanner(shape, BalanceOptions.EXACT).plan(counts, new int[] {-1, 1}, plan);
    assertThat(loads(plan, counts)).containsExactly(40, 40);
  }

  @Test
  void oneRankAndNoSlotsPlanNothing() {
    assertThat(plan(new PlanShape(1, 4, 2), BalanceOptions.EXACT, 5, 0, 1, 9).cloneCount())
        .isZero();
    assertThat(plan(new PlanShape(2, 2, 0), BalanceOptions.EXACT, 5, 0, 1, 9).cloneCount())
        .isZero();
    assertThat(plan(new PlanShape(2, 2, 1), BalanceOptions.EXACT, 0, 0, 0, 0).cloneCount())
        .isZero();
  }

  @Test
  void optionsNameWhatIsWrong() {
    assertThatThrownBy(() -> BalanceOptions.EXACT.withTolerance(1_000_001))
        .hasMessageContaining("toleranceMillionths must be in [0, 1000000], was 1000001");
    assertThatThrownBy(() -> BalanceOptions.EXACT.withRanksPerNode(0))
        .hasMessageContaining("ranksPerNode must be at least 1, was 0");
    assertThatThrownBy(() -> BalanceOptions.EXACT.withMinQuota(5, 4))
        .hasMessageContaining("minQuotaAcrossNodes must be at least minQuota, 5, was 4");
    assertThatThrownBy(
            () ->
                new BalancedPlanner(SPEC_SHAPE, BalanceOptions.EXACT)
                    .plan(SPEC, new int[3], new EchoPlan(SPEC_SHAPE)))
        .hasMessageContaining("slotHome must have 4 entries, had 3");
  }
}
