package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

final class PlannerKindTest {

  @Test
  void everyKindMakesAPlannerForTheSlotsItAccepts() {
    for (PlannerKind kind : PlannerKind.values()) {
      for (int slots = 0; slots <= 3; slots++) {
        PlanShape shape = new PlanShape(4, 8, slots);
        if (kind.accepts(slots)) {
          assertThat(kind.create(shape, BalanceOptions.EXACT.withRanksPerNode(2)).shape())
              .isEqualTo(shape);
        } else {
          assertThatIllegalArgumentException()
              .isThrownBy(() -> kind.create(shape, BalanceOptions.EXACT.withRanksPerNode(2)))
              .withMessageContaining(kind.label());
        }
      }
    }
  }

  @Test
  void kindsAreFoundByTheirNames() {
    for (PlannerKind kind : PlannerKind.values()) {
      assertThat(PlannerKind.named(kind.label())).contains(kind);
    }
    assertThat(PlannerKind.named("best")).isEmpty();
    assertThat(PlannerKind.labels()).containsExactly("none", "bin-packing", "one-shot", "balanced");
  }
}
