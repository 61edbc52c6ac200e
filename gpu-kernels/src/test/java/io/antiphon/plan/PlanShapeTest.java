package io.antiphon.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlanShapeTest {
  @Test
  void physicalExpertsAreRankMajorHomesBeforeSlots() {
    PlanShape shape = new PlanShape(2, 6, 2);

    assertThat(shape.localExperts()).isEqualTo(3);
    assertThat(shape.slots()).isEqualTo(4);
    assertThat(shape.localPhysicalExperts()).isEqualTo(5);
    assertThat(shape.physicalExperts()).isEqualTo(10);
    assertThat(IntStream.range(0, 6).map(shape::physicalHome)).containsExactly(0, 1, 2, 5, 6, 7);
    assertThat(IntStream.range(0, 4).map(shape::physicalSlot)).containsExactly(3, 4, 8, 9);
    assertThat(IntStream.range(0, 6).map(shape::homeRank)).containsExactly(0, 0, 0, 1, 1, 1);
    assertThat(IntStream.range(0, 4).map(shape::slotRank)).containsExactly(0, 0, 1, 1);
  }

  @Test
  void withoutSlotsPhysicalExpertsAreTheHomes() {
    PlanShape shape = new PlanShape(3, 6, 0);

    assertThat(shape.slots()).isZero();
    assertThat(IntStream.range(0, 6).map(shape::physicalHome)).containsExactly(0, 1, 2, 3, 4, 5);
  }

  @Test
  void sizesThatCannotBeAGroupAreNamed() {
    assertThatThrownBy(() -> new PlanShape(0, 4, 1)).hasMessageContaining("ranks must be >= 1");
    assertThatThrownBy(() -> new PlanShape(3, 4, 1)).hasMessageContaining("of the 3 ranks, was 4");
    assertThatThrownBy(() -> new PlanShape(3, 0, 1)).hasMessageContaining("of the 3 ranks, was 0");
    assertThatThrownBy(() -> new PlanShape(2, 4, -1)).hasMessageContaining("was -1");
    assertThatThrownBy(() -> new PlanShape(2, 4, 5)).hasMessageContaining("[0, 4]");
  }

  @Test
  void sizesWhoseProductsExceedAnIntAreRefusedInsteadOfWrapping() {
    assertThat(new PlanShape(32_767, 32_767, 1).slots()).isEqualTo(32_767);
    assertThatThrownBy(() -> new PlanShape(65_536, 65_536, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("65536 ranks x 131072 physical experts");
    assertThatThrownBy(() -> new PlanShape(65_536, 65_536, 65_536))
        .hasMessageContaining("exceeds 2147483647");
    assertThatThrownBy(() -> new PlanShape(2_000_000_000, 2_000_000_000, 2_000_000_000))
        .hasMessageContaining("exceeds 2147483647");
  }
}
