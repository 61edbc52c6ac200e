package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Each way a plan can be wrong, on two ranks of two experts; expert 0 has everything. */
class PlanInvariantsTest {
  private static final PlanShape ONE_SLOT = new PlanShape(2, 4, 1);
  private static final PlanShape TWO_SLOTS = new PlanShape(2, 4, 2);
  private static final int[] COUNTS = {10, 0, 0, 0, 10, 0, 0, 0};

  private static void assertBroken(EchoPlan plan, String message) {
    assertThatThrownBy(() -> PlanInvariants.require(plan, COUNTS))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }

  private static EchoPlan plan(int[] slotHome, int[] quota, int... toSlot) {
    return EchoPlan.of(slotHome.length == 2 ? ONE_SLOT : TWO_SLOTS, slotHome, quota, toSlot);
  }

  private static int[] ints(int... values) {
    return values;
  }

  @Test
  void aSoundPlanPasses() {
    EchoPlan plan = plan(ints(-1, 0), ints(0, 10), 0, 5, 0, 5);
    assertThatCode(() -> PlanInvariants.require(plan, COUNTS)).doesNotThrowAnyException();
  }

  @Test
  void anUnusedSlotTakesNothing() {
    assertBroken(plan(ints(-1, -1), ints(0, 1), 0, 1, 0, 0), "unused slot 1 has quota 1");
    assertBroken(plan(ints(-1, -1), ints(0, 0), 0, 1, 0, 0), "slot 1 gets 1");
  }

  @Test
  void aUsedSlotHoldsAnExpertAndTakesSomething() {
    assertBroken(plan(ints(-1, 4), ints(0, 1), 0, 1, 0, 0), "slot 1 holds expert 4");
    assertBroken(plan(ints(-1, -2), ints(0, 1), 0, 1, 0, 0), "slot 1 holds expert -2");
    assertBroken(plan(ints(-1, 0), ints(0, 0), 0, 0, 0, 0), "expert 0 with quota 0");
  }

  @Test
  void noCloneIsAtHome() {
    assertBroken(plan(ints(0, -1), ints(1, 0), 1, 0, 0, 0), "slot 0 holds expert 0 on its home");
  }

  @Test
  void usedSlotsAreAPrefix() {
    EchoPlan gap = plan(ints(-1, -1, -1, 0), ints(0, 0, 0, 1), 0, 0, 0, 1, 0, 0, 0, 0);
    assertThatThrownBy(() -> PlanInvariants.requirePrefix(gap))
        .hasMessageContaining("slot 3 is used after unused slot 2");
  }

  @Test
  void noExpertIsTwiceOnARank() {
    assertBroken(
        plan(ints(-1, -1, 0, 0), ints(0, 0, 1, 1), 0, 0, 1, 1, 0, 0, 0, 0),
        "slots 2 and 3 hold the same expert");
  }

  @Test
  void sourcesSendExactlyTheQuota() {
    assertBroken(plan(ints(-1, 0), ints(0, 5), 0, 2, 0, 2), "slot 1 gets 4 assignments, its quota");
    assertBroken(plan(ints(-1, 0), ints(0, 5), 0, -1, 0, 6), "rank 0 sends -1");
  }

  @Test
  void noSourceSendsMoreThanItHas() {
    assertBroken(
        plan(ints(-1, 0), ints(0, 11), 0, 0, 0, 11),
        "rank 1 sends 11 assignments of expert 0 to slots, it has 10");
  }

  @Test
  void noOverloadedRankDropsBelowTheAverage() {
    EchoPlan tooMuch = plan(ints(-1, 0), ints(0, 11), 0, 5, 0, 6);
    assertThatCode(() -> PlanInvariants.require(tooMuch, COUNTS)).doesNotThrowAnyException();
    assertThatThrownBy(() -> PlanInvariants.requireMonotoneLoads(tooMuch, COUNTS))
        .hasMessageContaining("load of rank 0 goes from 20 to 9 with average 10");
  }

  @Test
  void noRankGetsMoreThanTheMostLoadedOneHad() {
    int[] counts = {5, 0, 5, 0, 5, 0, 5, 0};
    EchoPlan plan = plan(ints(-1, 0), ints(0, 1), 0, 1, 0, 0);
    assertThatThrownBy(() -> PlanInvariants.require(plan, counts))
        .hasMessageContaining("load of rank 1 is 11, no rank had more than 10 before");
  }
}
