package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Edges of the count matrix, and the traps of docs/echo.md 5 that concern planners. */
class PlannerTest {
  private static EchoPlan plan(Planner planner, int... counts) {
    EchoPlan plan = new EchoPlan(planner.shape());
    planner.plan(counts, plan);
    PlanInvariants.require(plan, counts);
    PlanInvariants.requirePrefix(plan);
    PlanInvariants.requireMonotoneLoads(plan, counts);
    return plan;
  }

  private static List<Planner> planners(int ranks, int experts) {
    return List.of(
        new BinPackingPlanner(new PlanShape(ranks, experts, 1)),
        new OneShotPlanner(new PlanShape(ranks, experts, 1)),
        new OneShotPlanner(new PlanShape(ranks, experts, experts)));
  }

  private static int[] loadsAfter(EchoPlan plan, int... counts) {
    int[] after = new int[plan.shape().ranks()];
    RankLoads.after(plan, counts, after);
    return after;
  }

  @Test
  void noAssignmentsNeedNoClones() {
    for (Planner planner : planners(4, 8)) {
      assertThat(plan(planner, new int[32]).cloneCount()).isZero();
    }
  }

  @Test
  void aGroupOfOneRankNeedsNoClones() {
    for (Planner planner : planners(1, 3)) {
      assertThat(plan(planner, 5, 0, 700).cloneCount()).isZero();
    }
  }

  @Test
  void equalLoadsNeedNoClones() {
    int[] counts = new int[32];
    Arrays.fill(counts, 9);
    for (Planner planner : planners(4, 8)) {
      assertThat(plan(planner, counts).cloneCount()).isZero();
    }
  }

  @Test
  void oneExpertWithEverythingIsClonedToAllOtherRanks() {
    int[] counts = new int[32];
    for (int rank = 0; rank < 4; rank++) {
      counts[rank * 8 + 5] = 25;
    }
    for (Planner planner : planners(4, 8)) {
      EchoPlan plan = plan(planner, counts);
      assertThat(plan.clones()).extracting(EchoClone::homeExpert).containsExactly(5, 5, 5);
      assertThat(loadsAfter(plan, counts)).containsExactly(25, 25, 25, 25);
    }
  }

  @Test
  void everythingFromOneSourceRankIsSplitFromThatRankAlone() {
    int[] counts = {0, 0, 0, 0, 0, 0, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0};
    EchoPlan plan = plan(new BinPackingPlanner(new PlanShape(4, 4, 1)), counts);

    assertThat(plan.quota()).containsExactly(0, 22, 22, 22);
    assertThat(plan.toSlot()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 22, 22, 22, 0, 0, 0, 0);
  }

  @Test
  void oneExpertPerRankSpillsItsOwnExcess() {
    int[] counts = {30, 6, 0, 0, 0, 0, 0, 0, 0};
    for (Planner planner : planners(3, 3)) {
      EchoPlan plan = plan(planner, counts);
      assertThat(loadsAfter(plan, counts)).containsExactly(12, 12, 12);
      assertThat(plan.clones()).extracting(EchoClone::homeExpert).containsExactly(0, 0);
    }
  }

  @Test
  void averagesBelowSevenDoNotDivideByZero() {
    BinPackingPlanner planner = new BinPackingPlanner(new PlanShape(2, 2, 1));
    for (int load = 0; load < 14; load++) { // the average is load / 2, so 0 to 6
      int[] counts = {load, 0, 0, 0};
      EchoPlan plan = plan(planner, counts);
      assertThat(plan.quota()).containsExactly(0, load / 2);
      assertThat(plan.cloneCount()).isEqualTo(load < 2 ? 0 : 1);
    }
  }

  @Test
  void aSingleAssignmentIsWorthAClone() {
    EchoPlan plan = plan(new BinPackingPlanner(new PlanShape(2, 2, 1)), 2, 0, 0, 0);

    assertThat(plan.clones()).containsExactly(new EchoClone(0, 1, 1));
  }

  @Test
  void tiedSpillsAndTiedSparesPairUpFromTheLowestIndex() {
    int[] counts = {8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    for (Planner planner : planners(4, 4).subList(0, 2)) {
      assertThat(plan(planner, counts).slotHome()).containsExactly(-1, -1, 0, 1);
    }
  }

  @Test
  void ofTiedExpertsOnARankTheHighestSpills() {
    int[] counts = {5, 5, 0, 0, 0, 0, 0, 0};
    for (Planner planner : planners(2, 4).subList(0, 2)) {
      assertThat(plan(planner, counts).slotHome()).containsExactly(-1, 1);
    }
  }

  @Test
  void ofTiedPiecesTheFirstInSpillOrderGetsTheLowestSlot() {
    int[] counts = {6, 6, 0, 0, 0, 0, 0, 0, 0};
    assertThat(plan(new OneShotPlanner(new PlanShape(3, 3, 1)), counts).slotHome())
        .containsExactly(-1, -1, 0);
    assertThat(plan(new OneShotPlanner(new PlanShape(3, 3, 2)), counts).slotHome())
        .containsExactly(-1, -1, -1, -1, 0, 1);
  }

  @Test
  void tiesOfManyExpertsStayInOrderWhereAnUnstableSortWouldNot() {
    int ranks = 64;
    int[] counts = new int[ranks * ranks];
    for (int expert = 0; expert < ranks / 2; expert++) {
      counts[expert] = 20;
    }
    int[] expected = new int[ranks];
    Arrays.setAll(expected, slot -> slot < ranks / 2 ? -1 : slot - ranks / 2);
    for (Planner planner : planners(ranks, ranks).subList(0, 2)) {
      assertThat(plan(planner, counts).slotHome()).containsExactly(expected);
    }
  }

  @Test
  void theLargestPieceOfARankComesFirstSoThatUsedSlotsAreAPrefix() {
    // Spills 12, 9, 3 meet spare rooms 14, 10: rank 3 gets 12 and 2, rank 4 gets 7 and 3.
    int[] counts = new int[25];
    System.arraycopy(new int[] {32, 29, 23, 6, 10}, 0, counts, 0, 5);
    EchoPlan plan = plan(new OneShotPlanner(new PlanShape(5, 5, 3)), counts);

    assertThat(plan.slotHome())
        .containsExactly(-1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, -1, 1, 2, -1);
    assertThat(plan.quota()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 2, 0, 7, 3, 0);
  }

  @Test
  void aPieceThatComesLaterInSpillOrderButIsLargerTakesTheFirstSlot() {
    // Spills 12, 9 meet rooms 11, 10: the second rank's pieces are 1 of expert 0, then 9 of 1.
    int[] counts = new int[16];
    System.arraycopy(new int[] {32, 29, 9, 10}, 0, counts, 0, 4);
    EchoPlan plan = plan(new OneShotPlanner(new PlanShape(4, 4, 2)), counts);

    assertThat(plan.slotHome()).containsExactly(-1, -1, -1, -1, 0, -1, 1, 0);
    assertThat(plan.quota()).containsExactly(0, 0, 0, 0, 11, 0, 9, 1);
  }

  @Test
  void binPackingQueuesWhatIsLeftBehindItsNewSizeClass() {
    // Average 70, step 10: spills 60 and 55 are of one class. With spare rooms 40, 40 and 35,
    // expert 0
    // comes back with 20 behind expert 1, which then comes back with 15 behind expert 0.
    int[] counts = new int[25];
    System.arraycopy(new int[] {130, 125, 30, 30, 35}, 0, counts, 0, 5);
    EchoPlan plan = plan(new BinPackingPlanner(new PlanShape(5, 5, 1)), counts);

    assertThat(plan.slotHome()).containsExactly(-1, -1, 0, 1, 0);
    assertThat(plan.quota()).containsExactly(0, 0, 40, 40, 20);
  }

  @Test
  void sharesAreExactWhereFloatArithmeticRoundsDown() {
    // 26 * 22 / 44 = 13 exactly; 26f / 44f * 22f is a little less, so its floor is 12.
    assertThat((int) (26f / 44f * 22f)).isEqualTo(12);

    EchoPlan plan = plan(new BinPackingPlanner(new PlanShape(2, 2, 1)), 18, 0, 26, 0);

    assertThat(plan.quota()).containsExactly(0, 22);
    assertThat(plan.toSlot()).containsExactly(0, 9, 0, 13);
  }

  @Test
  void countsUpToTheLargestIntAreSplitWithoutOverflow() {
    int[] counts = {1_500_000_000, 0, 647_483_647, 0};
    for (Planner planner : planners(2, 2).subList(0, 2)) {
      EchoPlan plan = plan(planner, counts);
      assertThat(plan.quota()).containsExactly(0, 1_073_741_823);
      // floor(1.5e9 * 1073741823 / 2147483647) and one of rounding rest, both in rank 0
      assertThat(plan.toSlot()).containsExactly(0, 750_000_000, 0, 323_741_823);
    }
  }

  @Test
  void oneAssignmentTooManyIsRefusedAndThePlanIsUntouched() {
    int[] counts = {Integer.MAX_VALUE, 1, 0, 0};
    List<Planner> all = new ArrayList<>(planners(2, 2));
    all.add(new NoClonesPlanner(new PlanShape(2, 2, 0)));
    for (Planner planner : all) {
      EchoPlan plan = new EchoPlan(planner.shape());
      planner.plan(new int[] {9, 0, 0, 0}, plan);
      int clones = plan.cloneCount();
      assertThatThrownBy(() -> planner.plan(counts, plan))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2147483648")
          .hasMessageContaining("at most 2147483647")
          .hasMessageContaining("Lower the tokens");
      assertThat(plan.cloneCount()).isEqualTo(clones);
    }
  }

  @Test
  void aNegativeCountIsNamedByRankAndExpert() {
    Planner planner = new NoClonesPlanner(new PlanShape(2, 2, 0));
    EchoPlan plan = new EchoPlan(planner.shape());

    assertThatThrownBy(() -> planner.plan(new int[] {0, 0, 0, -5}, plan))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rank 1, expert 1 is -5");
  }

  @Test
  void countsOrPlanOfAnotherShapeAreRefused() {
    for (Planner planner : planners(2, 2)) {
      EchoPlan other = new EchoPlan(new PlanShape(2, 4, 1));
      EchoPlan own = new EchoPlan(planner.shape());
      assertThatThrownBy(() -> planner.plan(new int[4], other)).hasMessageContaining("expected");
      assertThatThrownBy(() -> planner.plan(new int[5], own)).hasMessageContaining("had 5");
    }
  }

  @Test
  void plannersRefuseSlotNumbersTheyCannotServe() {
    assertThatThrownBy(() -> new BinPackingPlanner(new PlanShape(2, 4, 2)))
        .hasMessageContaining("slotsPerRank = 1, was 2");
    assertThatThrownBy(() -> new BinPackingPlanner(new PlanShape(2, 4, 0)))
        .hasMessageContaining("slotsPerRank = 1, was 0");
    assertThatThrownBy(() -> new OneShotPlanner(new PlanShape(2, 4, 0)))
        .hasMessageContaining("slotsPerRank >= 1, was 0");
  }

  @Test
  void theEmptyPlannerRemovesClonesWithAndWithoutSlots() {
    PlanShape shape = new PlanShape(2, 2, 1);
    EchoPlan plan = plan(new BinPackingPlanner(shape), 9, 0, 0, 0);
    assertThat(plan.cloneCount()).isEqualTo(1);
    Planner none = new NoClonesPlanner(shape);
    none.plan(new int[] {9, 0, 0, 0}, plan);

    assertThat(none.shape()).isEqualTo(shape);
    assertThat(plan.cloneCount()).isZero();
    assertThat(plan.toSlot()).containsOnly(0);
    assertThat(plan(new NoClonesPlanner(new PlanShape(2, 2, 0)), 9, 0, 0, 0).slotHome()).isEmpty();
  }
}
