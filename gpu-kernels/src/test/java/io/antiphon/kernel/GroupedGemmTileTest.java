package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.kernel.GroupedGemm.Pass;
import org.junit.jupiter.api.Test;

class GroupedGemmTileTest {
  private static final int MULTIPROCESSORS = 132;

  private static int columns(Pass pass, int physicalExperts, long capacity, int out, int in) {
    return GroupedGemmTile.columns(pass, physicalExperts, capacity, out, in, MULTIPROCESSORS);
  }

  @Test
  void takesWideTilesWhereThereAreMany() {
    for (Pass pass : Pass.values()) {
      assertThat(columns(pass, 8, 16_384, 28_672, 4096)).isEqualTo(GroupedGemmTile.WIDE);
      assertThat(columns(pass, 128, 131_072, 1536, 2048)).isEqualTo(GroupedGemmTile.WIDE);
      assertThat(columns(pass, 32, 65_536, 7168, 2048)).isEqualTo(GroupedGemmTile.WIDE);
    }
  }

  @Test
  void takesNarrowTilesWhereWideOnesLeaveMultiprocessorsIdle() {
    for (Pass pass : Pass.values()) {
      assertThat(columns(pass, 2, 512, 512, 512)).isEqualTo(GroupedGemmTile.NARROW);
    }
  }

  @Test
  void takesNarrowTilesForNarrowResults() {
    assertThat(columns(Pass.FORWARD, 8, 16_384, 128, 4096)).isEqualTo(GroupedGemmTile.NARROW);
    assertThat(columns(Pass.INPUT_GRADIENT, 8, 16_384, 4096, 64)).isEqualTo(GroupedGemmTile.NARROW);
    assertThat(columns(Pass.WEIGHT_GRADIENT, 8, 16_384, 4096, 64))
        .isEqualTo(GroupedGemmTile.NARROW);
  }

  @Test
  void hasATileForAnySize() {
    for (Pass pass : Pass.values()) {
      assertThat(columns(pass, 1, 1, 8, 8)).isIn(GroupedGemmTile.NARROW, GroupedGemmTile.WIDE);
    }
  }
}
