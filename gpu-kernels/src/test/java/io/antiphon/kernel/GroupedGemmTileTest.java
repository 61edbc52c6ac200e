package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.device.Architecture;
import io.antiphon.kernel.GroupedGemmTile.Pass;
import io.antiphon.kernel.GroupedGemmTile.Problem;
import io.antiphon.tensor.DType;
import org.junit.jupiter.api.Test;

class GroupedGemmTileTest {
  private static final Architecture HOPPER = new Architecture(9, 0);
  private static final Architecture BLACKWELL = new Architecture(10, 0);
  private static final int MULTIPROCESSORS = 132;

  private static GroupedGemmTile choose(Architecture architecture, Problem problem) {
    return GroupedGemmTile.choose(DType.BF16, architecture, MULTIPROCESSORS, problem);
  }

  private static Problem large(Pass pass, int out, int in) {
    return new Problem(pass, 8, 16384, out, in, true);
  }

  @Test
  void checksInPlainFp32() {
    assertThat(
            GroupedGemmTile.choose(
                DType.F32, HOPPER, MULTIPROCESSORS, large(Pass.FORWARD, 4096, 4096)))
        .isEqualTo(GroupedGemmTile.FLOAT);
  }

  @Test
  void fetchesElementsWhereWordsWouldNotFit() {
    assertThat(choose(HOPPER, large(Pass.FORWARD, 4097, 4096))).isEqualTo(GroupedGemmTile.ELEMENTS);
    assertThat(choose(HOPPER, large(Pass.FORWARD, 4096, 4100))).isEqualTo(GroupedGemmTile.ELEMENTS);
    assertThat(choose(HOPPER, new Problem(Pass.FORWARD, 8, 16384, 4096, 4096, false)))
        .isEqualTo(GroupedGemmTile.ELEMENTS);
  }

  @Test
  void keepsToPortableKernelsAwayFromHopper() {
    for (Pass pass : Pass.values()) {
      assertThat(choose(BLACKWELL, large(pass, 4096, 4096))).isEqualTo(GroupedGemmTile.WORDS);
      assertThat(choose(Architecture.OLDEST, large(pass, 4096, 4096)))
          .isEqualTo(GroupedGemmTile.WORDS);
    }
  }

  @Test
  void neverReadsTheNextExpertsWeightsInTheInputGradient() {
    assertThat(choose(HOPPER, large(Pass.INPUT_GRADIENT, 4096 + 8, 4096)))
        .isEqualTo(GroupedGemmTile.WORDS);
    assertThat(choose(HOPPER, large(Pass.FORWARD, 4096 + 8, 4096)).isHopper()).isTrue();
    assertThat(choose(HOPPER, large(Pass.WEIGHT_GRADIENT, 4096 + 8, 4096)).isHopper()).isTrue();
  }

  @Test
  void describesNoEmptyTensors() {
    assertThat(choose(HOPPER, new Problem(Pass.WEIGHT_GRADIENT, 8, 0, 4096, 4096, true)))
        .isEqualTo(GroupedGemmTile.WORDS);
    assertThat(choose(HOPPER, new Problem(Pass.FORWARD, 8, 128, 4096, 0, true)))
        .isEqualTo(GroupedGemmTile.WORDS);
  }

  @Test
  void takesWideTilesForManyAndNarrowOnesForFew() {
    for (Pass pass : Pass.values()) {
      assertThat(choose(HOPPER, large(pass, 28672, 4096))).isEqualTo(GroupedGemmTile.HOPPER_WIDE);
      assertThat(choose(HOPPER, new Problem(pass, 128, 131072, 1536, 2048, true)))
          .isEqualTo(GroupedGemmTile.HOPPER_WIDE);
      assertThat(choose(HOPPER, new Problem(pass, 2, 512, 256, 256, true)))
          .isEqualTo(GroupedGemmTile.HOPPER_NARROW);
    }
  }

  @Test
  void takesNarrowTilesForNarrowResults() {
    assertThat(choose(HOPPER, large(Pass.FORWARD, 128, 4096)))
        .isEqualTo(GroupedGemmTile.HOPPER_NARROW);
  }
}
