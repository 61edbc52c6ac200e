package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RerouteTest {
  private static final PlanShape SHAPE = new PlanShape(2, 2, 2);

  /**
   * Expert 0 in slots 2 and 3, both of rank 1, which no planner would do; Reroute need not care.
   */
  private static EchoPlan twoSlotsForExpertZero(int fromRankZero, int andThen) {
    return EchoPlan.of(
        SHAPE,
        new int[] {-1, -1, 0, 0},
        new int[] {0, 0, fromRankZero, andThen},
        new int[] {0, 0, fromRankZero, andThen, 0, 0, 0, 0});
  }

  private static int[] route(int rank, EchoPlan plan, int... topExperts) {
    int[] physical = new int[topExperts.length];
    new Reroute(plan.shape()).route(rank, plan, topExperts, physical);
    return physical;
  }

  @Test
  void slotsTakeConsecutiveRunsOfAscendingTokensAndTheHighestStayHome() {
    assertThat(route(0, twoSlotsForExpertZero(2, 1), 0, 1, 0, 0, 1, 0, 0))
        .containsExactly(4, 3, 4, 5, 3, 0, 0);
  }

  @Test
  void aSlotThatTakesNothingFromThisRankIsSkipped() {
    assertThat(route(0, twoSlotsForExpertZero(0, 2), 0, 0, 0)).containsExactly(5, 5, 0);
    assertThat(route(1, twoSlotsForExpertZero(2, 1), 0, 0, 0)).containsExactly(0, 0, 0);
  }

  @Test
  void everythingMayLeaveHome() {
    assertThat(route(0, twoSlotsForExpertZero(1, 1), 0, 0)).containsExactly(4, 5);
  }

  @Test
  void withoutClonesEveryAssignmentGoesHome() {
    assertThat(route(1, new EchoPlan(SHAPE), 1, 0)).containsExactly(3, 0);
    assertThat(route(0, new EchoPlan(new PlanShape(2, 4, 0)), 3, 0, 2)).containsExactly(3, 0, 2);
    assertThat(route(0, new EchoPlan(SHAPE))).isEmpty();
  }

  @Test
  void aPlanOfOtherCountsIsNoticed() {
    assertThatThrownBy(() -> route(0, twoSlotsForExpertZero(2, 3), 0, 1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 more assignments of expert 0 from rank 0 to slot 3");
  }

  @Test
  void anExpertOutOfRangeIsNamed() {
    EchoPlan plan = new EchoPlan(SHAPE);
    assertThatThrownBy(() -> route(0, plan, 1, 2))
        .hasMessageContaining("assignment 1 names expert 2; experts are in [0, 2)");
    assertThatThrownBy(() -> route(0, plan, -1)).hasMessageContaining("names expert -1");
  }

  @Test
  void theAnswerHasOneEntryPerAssignment() {
    assertThatThrownBy(
            () -> new Reroute(SHAPE).route(0, new EchoPlan(SHAPE), new int[3], new int[2]))
        .hasMessageContaining("3 entries, had 2");
  }

  @Test
  void foldingSlotsToTheirHomesRestoresTheRouterMapAndNoTokenGoesTwiceToOnePhysicalExpert() {
    forEachRoutedRank(
        (routed, rank, plan, physical) -> {
          PlanShape shape = plan.shape();
          int[] homeOf = new int[shape.physicalExperts()];
          Arrays.fill(homeOf, EchoPlan.UNUSED);
          for (int expert = 0; expert < shape.experts(); expert++) {
            homeOf[shape.physicalHome(expert)] = expert;
          }
          for (EchoClone echo : plan.clones()) {
            homeOf[shape.physicalSlot(echo.slot())] = echo.homeExpert();
          }
          assertThat(Arrays.stream(physical).map(p -> homeOf[p]))
              .containsExactly(boxed(routed.topExperts()[rank]));
        });
  }

  @Test
  void eachSlotGetsItsShareAsOneAscendingRunAfterTheRunsOfLowerSlots() {
    forEachRoutedRank(
        (routed, rank, plan, physical) -> {
          PlanShape shape = plan.shape();
          for (int expert = 0; expert < shape.experts(); expert++) {
            List<Integer> expected = new ArrayList<>();
            for (EchoClone echo : plan.clones()) {
              if (echo.homeExpert() == expert) {
                int share = plan.toSlot()[rank * shape.slots() + echo.slot()];
                for (int i = 0; i < share; i++) {
                  expected.add(shape.physicalSlot(echo.slot()));
                }
              }
            }
            while (expected.size() < routed.counts()[rank * shape.experts() + expert]) {
              expected.add(shape.physicalHome(expert));
            }
            List<Integer> actual = new ArrayList<>();
            for (int i = 0; i < physical.length; i++) {
              if (routed.topExperts()[rank][i] == expert) {
                actual.add(physical[i]);
              }
            }
            assertThat(actual).isEqualTo(expected);
          }
        });
  }

  @FunctionalInterface
  private interface RoutedRank {
    void check(RandomAssignments routed, int rank, EchoPlan plan, int[] physicalExperts);
  }

  private static void forEachRoutedRank(RoutedRank claim) {
    RandomCounts.forEachSeed(
        500,
        drawn -> {
          RandomAssignments routed = RandomAssignments.of(drawn.shape(), drawn.seed());
          EchoPlan plan =
              RandomCounts.Planned.by(new OneShotPlanner(drawn.shape()), routed.counts()).plan();
          Reroute reroute = new Reroute(drawn.shape());
          for (int rank = 0; rank < drawn.shape().ranks(); rank++) {
            int[] physical = new int[routed.topExperts()[rank].length];
            reroute.route(rank, plan, routed.topExperts()[rank], physical);
            claim.check(routed, rank, plan, physical);
          }
        });
  }

  private static Integer[] boxed(int[] values) {
    return Arrays.stream(values).boxed().toArray(Integer[]::new);
  }
}
