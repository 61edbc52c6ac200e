package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class EchoPlanTest {
  private static final PlanShape SHAPE = new PlanShape(2, 4, 1);

  @Test
  void aNewPlanHasNoClones() {
    EchoPlan plan = new EchoPlan(SHAPE);

    assertThat(plan.shape()).isEqualTo(SHAPE);
    assertThat(plan.slotHome()).containsExactly(-1, -1);
    assertThat(plan.quota()).containsExactly(0, 0);
    assertThat(plan.toSlot()).containsExactly(0, 0, 0, 0);
    assertThat(plan.clones()).isEmpty();
  }

  @Test
  void aPlanOverGivenArraysKeepsThem() {
    int[] slotHome = {-1, 0};
    EchoPlan plan = EchoPlan.of(SHAPE, slotHome, new int[] {0, 3}, new int[] {0, 1, 0, 2});

    assertThat(plan.slotHome()).isSameAs(slotHome);
    assertThat(plan.clones()).containsExactly(new EchoClone(0, 1, 3));
  }

  @Test
  void arraysOfAnotherLengthAreNamed() {
    int[] two = new int[2];
    int[] four = new int[4];
    assertThatThrownBy(() -> EchoPlan.of(SHAPE, four, two, four)).hasMessageContaining("slotHome");
    assertThatThrownBy(() -> EchoPlan.of(SHAPE, two, four, four)).hasMessageContaining("quota");
    assertThatThrownBy(() -> EchoPlan.of(SHAPE, two, two, two))
        .hasMessageContaining("toSlot must have 4 entries, had 2");
  }

  @Test
  void aCloneTakesAtLeastOneAssignment() {
    assertThatThrownBy(() -> new EchoClone(0, 1, 0))
        .hasMessageContaining("quota of slot 1 must be >= 1, was 0");
  }

  @Test
  void loadsNeedOneEntryPerRank() {
    assertThatThrownBy(() -> RankLoads.before(SHAPE, new int[8], new int[3]))
        .hasMessageContaining("2 entries, one per rank, had 3");
  }
}
