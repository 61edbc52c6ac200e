package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The invariants of docs/echo.md 2.8 that concern the plan, on random counts. */
class PlanPropertyTest {
  private static final int CASES = 3000;

  @Test
  void bothPlannersEqualTheMatrixFormOfTheSpecificationBitForBit() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          MatrixPlanner matrices = new MatrixPlanner(planned.shape(), planned.counts());
          EchoPlan expected =
              planned.planner() instanceof BinPackingPlanner
                  ? matrices.binPacking()
                  : matrices.oneShot();
          assertSame(planned.plan(), expected);
        });
  }

  @Test
  void usedSlotsFormAPrefixOnEveryRankAndUnusedSlotsTakeNothing() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          EchoPlan plan = planned.plan();
          int slotsPerRank = planned.shape().slotsPerRank();
          for (int slot = 0; slot < planned.shape().slots(); slot++) {
            boolean used = plan.slotHome()[slot] != EchoPlan.UNUSED;
            assertThat(plan.quota()[slot] > 0).as("slot %d is used", slot).isEqualTo(used);
            if (used && slot % slotsPerRank > 0) {
              assertThat(plan.slotHome()[slot - 1]).isNotEqualTo(EchoPlan.UNUSED);
            }
          }
          assertThat(plan.clones()).hasSize(plan.cloneCount());
        });
  }

  @Test
  void noExpertIsClonedToItsHomeRankOrTwiceToOneRank() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          PlanShape shape = planned.shape();
          Set<Long> seen = new HashSet<>();
          for (EchoClone echo : planned.plan().clones()) {
            int rank = shape.slotRank(echo.slot());
            assertThat(shape.homeRank(echo.homeExpert())).isNotEqualTo(rank);
            assertThat(seen.add((long) rank * shape.experts() + echo.homeExpert())).isTrue();
          }
        });
  }

  @Test
  void noRankRisesAboveTheAverageAndNoOverloadedRankDropsBelowIt() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          int ranks = planned.shape().ranks();
          int[] before = new int[ranks];
          int[] after = new int[ranks];
          RankLoads.before(planned.shape(), planned.counts(), before);
          RankLoads.after(planned.plan(), planned.counts(), after);
          long total = Arrays.stream(planned.counts()).asLongStream().sum();
          int average = (int) (total / ranks);
          for (int rank = 0; rank < ranks; rank++) {
            assertThat(after[rank]).isLessThanOrEqualTo(Math.max(before[rank], average));
            if (before[rank] > average) {
              assertThat(after[rank]).isGreaterThanOrEqualTo(average);
            }
          }
          assertThat(Arrays.stream(after).asLongStream().sum()).isEqualTo(total);
        });
  }

  @Test
  void everySlotGetsItsQuotaAndNoSourceGivesMoreThanItHas() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          PlanShape shape = planned.shape();
          EchoPlan plan = planned.plan();
          long[] columns = new long[shape.slots()];
          long[] left = Arrays.stream(planned.counts()).asLongStream().toArray();
          for (int rank = 0; rank < shape.ranks(); rank++) {
            for (int slot = 0; slot < shape.slots(); slot++) {
              int sent = plan.toSlot()[rank * shape.slots() + slot];
              assertThat(sent).isNotNegative();
              columns[slot] += sent;
              if (plan.slotHome()[slot] != EchoPlan.UNUSED) {
                left[rank * shape.experts() + plan.slotHome()[slot]] -= sent;
              }
            }
          }
          assertThat(columns).containsExactly(Arrays.stream(plan.quota()).asLongStream().toArray());
          assertThat(Arrays.stream(left)).allMatch(rest -> rest >= 0);
        });
  }

  @Test
  void aUsedPlannerAndAUsedPlanGiveTheSameBitsAsNewOnes() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          EchoPlan dirty = new EchoPlan(planned.shape());
          int[] reversed = new int[planned.counts().length];
          Arrays.setAll(reversed, i -> planned.counts()[reversed.length - 1 - i]);
          planned.planner().plan(reversed, dirty);
          planned.planner().plan(planned.counts(), dirty);
          assertSame(dirty, planned.plan());
        });
  }

  @Test
  void spillExceedsSpareByTheRemainderOfTheAverage() {
    RandomCounts.forEachSeed(
        CASES,
        drawn -> {
          Imbalance imbalance = new Imbalance(drawn.shape());
          imbalance.measure(drawn.counts());
          long excess = 0;
          for (int expert = 0; expert < drawn.shape().experts(); expert++) {
            excess += imbalance.spill(expert);
            assertThat(imbalance.spill(expert)).isBetween(0, imbalance.load(expert));
          }
          for (int rank = 0; rank < drawn.shape().ranks(); rank++) {
            excess -= imbalance.spare(rank);
          }
          long total = Arrays.stream(drawn.counts()).asLongStream().sum();
          assertThat(excess).isEqualTo(total % drawn.shape().ranks());
        });
  }

  @Test
  void oneShotPlacesAllSpareOrAllSpillWhenSlotsAreAmple() {
    RandomCounts.forEachSeed(
        CASES,
        drawn -> {
          PlanShape ample =
              new PlanShape(
                  drawn.shape().ranks(), drawn.shape().experts(), drawn.shape().experts());
          EchoPlan plan = RandomCounts.Planned.by(new OneShotPlanner(ample), drawn.counts()).plan();
          Imbalance imbalance = new Imbalance(ample);
          imbalance.measure(drawn.counts());
          long spare = 0;
          for (int rank = 0; rank < ample.ranks(); rank++) {
            spare += imbalance.spare(rank);
          }
          assertThat(Arrays.stream(plan.quota()).asLongStream().sum()).isEqualTo(spare);
        });
  }

  @Test
  void theInvariantCheckAcceptsEveryPlan() {
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          PlanInvariants.require(planned.plan(), planned.counts());
          PlanInvariants.requirePrefix(planned.plan());
          PlanInvariants.requireMonotoneLoads(planned.plan(), planned.counts());
        });
  }

  @Test
  void theRandomCasesCoverClonesTiesAndSmallAverages() {
    int[] seen = new int[4];
    RandomCounts.forEachPlan(
        CASES,
        planned -> {
          long total = Arrays.stream(planned.counts()).asLongStream().sum();
          seen[0] += planned.plan().cloneCount() > 1 ? 1 : 0;
          seen[1] += total > 0 && total / planned.shape().ranks() < 7 ? 1 : 0;
          seen[2] += total > Integer.MAX_VALUE / 2 ? 1 : 0;
          seen[3] += planned.plan().clones().stream().anyMatch(c -> c.quota() == 1) ? 1 : 0;
        });
    assertThat(Arrays.stream(seen)).allMatch(cases -> cases > 50);
  }

  private static void assertSame(EchoPlan actual, EchoPlan expected) {
    assertThat(actual.slotHome()).containsExactly(expected.slotHome());
    assertThat(actual.quota()).containsExactly(expected.quota());
    assertThat(actual.toSlot()).containsExactly(expected.toSlot());
  }
}
