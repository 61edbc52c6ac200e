package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The worked example of docs/echo.md 2.9: 4 ranks, 8 experts, 40 assignments per rank. */
class WorkedExampleTest {
  private static final int[] COUNTS = {
    10, 2, 4, 4, 8, 4, 2, 6, //
    14, 1, 3, 6, 9, 3, 1, 3, //
    12, 0, 5, 3, 10, 4, 4, 2, //
    15, 3, 2, 2, 11, 3, 1, 3
  };

  private static EchoPlan binPacking() {
    return plan(new BinPackingPlanner(new PlanShape(4, 8, 1)));
  }

  private static EchoPlan oneShot(int slotsPerRank) {
    return plan(new OneShotPlanner(new PlanShape(4, 8, slotsPerRank)));
  }

  private static EchoPlan plan(Planner planner) {
    EchoPlan plan = new EchoPlan(planner.shape());
    planner.plan(COUNTS, plan);
    return plan;
  }

  @Test
  void spillAndSpareAreMeasuredAgainstTheAverage() {
    Imbalance imbalance = new Imbalance(new PlanShape(4, 8, 1));
    imbalance.measure(COUNTS);

    assertThat(imbalance.average()).isEqualTo(40);
    assertThat(IntStream.range(0, 8).map(imbalance::load))
        .containsExactly(51, 6, 14, 15, 38, 14, 8, 14);
    assertThat(IntStream.range(0, 8).map(imbalance::spill))
        .containsExactly(17, 0, 0, 0, 12, 0, 0, 0);
    assertThat(IntStream.range(0, 4).map(imbalance::spare)).containsExactly(0, 11, 0, 18);
    assertThat(IntStream.range(0, imbalance.spillingExperts()).map(imbalance::expertBySpill))
        .containsExactly(0, 4);
    assertThat(IntStream.range(0, imbalance.sparingRanks()).map(imbalance::rankBySpare))
        .containsExactly(3, 1);
  }

  @Test
  void binPackingGivesEachSparingRankOneExpert() {
    EchoPlan plan = binPacking();

    assertThat(plan.slotHome()).containsExactly(-1, 4, -1, 0);
    assertThat(plan.quota()).containsExactly(0, 11, 0, 17);
    assertThat(columnOf(plan, 1)).containsExactly(4, 2, 2, 3);
    assertThat(columnOf(plan, 3)).containsExactly(4, 4, 4, 5);
    assertThat(plan.clones()).containsExactly(new EchoClone(4, 1, 11), new EchoClone(0, 3, 17));
    assertThat(plan.cloneCount()).isEqualTo(2);
  }

  @Test
  void oneAssignmentStaysAboveTheAverageAfterBinPacking() {
    int[] before = new int[4];
    int[] after = new int[4];
    RankLoads.before(new PlanShape(4, 8, 1), COUNTS, before);
    RankLoads.after(binPacking(), COUNTS, after);

    assertThat(before).containsExactly(57, 29, 52, 22);
    assertThat(after).containsExactly(40, 40, 41, 39);
  }

  @Test
  void physicalLoadsAreRankMajorWithTheSlotLast() {
    SendMatrix matrix = new SendMatrix(new PlanShape(4, 8, 1));
    matrix.fill(COUNTS, binPacking());

    assertThat(IntStream.range(0, 12).map(matrix::expertRows))
        .containsExactly(34, 6, 0, 14, 15, 11, 27, 14, 0, 8, 14, 17);
  }

  @Test
  void lowestTokensOfAnExpertGoToTheSlot() {
    int[] expertByExpert = // top-1: the tokens of rank 0, listed expert by expert
        IntStream.range(0, 8).flatMap(e -> IntStream.range(0, COUNTS[e]).map(i -> e)).toArray();
    int[] physical = new int[40];
    new Reroute(new PlanShape(4, 8, 1)).route(0, binPacking(), expertByExpert, physical);

    assertThat(Arrays.copyOfRange(physical, 0, 4)).containsOnly(11);
    assertThat(Arrays.copyOfRange(physical, 4, 10)).containsOnly(0);
    assertThat(Arrays.copyOfRange(physical, 10, 20)).containsExactly(1, 1, 3, 3, 3, 3, 4, 4, 4, 4);
    assertThat(Arrays.copyOfRange(physical, 20, 24)).containsOnly(5);
    assertThat(Arrays.copyOfRange(physical, 24, 28)).containsOnly(6);
    assertThat(Arrays.copyOfRange(physical, 28, 40))
        .containsExactly(7, 7, 7, 7, 9, 9, 10, 10, 10, 10, 10, 10);
  }

  @Test
  void oneShotWithTwoSlotsPlacesEverythingEvenASingleAssignment() {
    EchoPlan plan = oneShot(2);
    int[] after = new int[4];
    RankLoads.after(plan, COUNTS, after);

    assertThat(plan.slotHome()).containsExactly(-1, -1, 4, -1, -1, -1, 0, 4);
    assertThat(plan.quota()).containsExactly(0, 0, 11, 0, 0, 0, 17, 1);
    assertThat(columnOf(plan, 2)).containsExactly(4, 2, 2, 3);
    assertThat(columnOf(plan, 6)).containsExactly(4, 4, 4, 5);
    assertThat(columnOf(plan, 7)).containsExactly(1, 0, 0, 0);
    assertThat(after).containsExactly(40, 40, 40, 40);
  }

  @Test
  void oneShotWithOneSlotLosesTheSmallerPieceOfAColumn() {
    EchoPlan plan = oneShot(1);

    assertThat(plan.slotHome()).containsExactly(binPacking().slotHome());
    assertThat(plan.quota()).containsExactly(binPacking().quota());
    assertThat(plan.toSlot()).containsExactly(binPacking().toSlot());
  }

  private static int[] columnOf(EchoPlan plan, int slot) {
    int slots = plan.shape().slots();
    return IntStream.range(0, 4).map(rank -> plan.toSlot()[rank * slots + slot]).toArray();
  }
}
