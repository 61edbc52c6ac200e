package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Checks that the draws which a device is held against are worth it. */
class RandomPlanTest {
  private static final int PLANS = 300;

  @Test
  void drawsEveryPlannerSmallAndLargeGroupsAndReuse() {
    List<RandomPlan> plans = new ArrayList<>();
    try (CpuBackend cpu = CpuBackend.f32(1)) {
      for (long seed = 0; seed < PLANS; seed++) {
        plans.add(RandomPlan.of(cpu, seed));
      }
    }
    String all = String.join("\n", plans.stream().map(RandomPlan::drawn).toList());
    assertThat(all)
        .contains("balanced, ", "one-shot, ", "bin-packing, ")
        .contains(", 1 ranks, ", ", 64 ranks, ", ", 128 ranks, ", ", 1024 experts, ")
        .contains(", 1 slots each", ", 8 slots each", ", 0 replans", ", 3 replans");
    // Groups without anything to move plan alike; most have something.
    assertThat(plans.stream().map(RandomPlan::plan).distinct()).hasSizeGreaterThan(PLANS * 9 / 10);
    assertThat(plans.stream().map(RandomPlan::rows).distinct()).hasSizeGreaterThan(PLANS * 9 / 10);
    assertThat(plans.stream().map(RandomPlan::loads).distinct()).hasSize(PLANS);
  }

  @Test
  void aSeedGivesTheSameAfterOthers() {
    try (CpuBackend cpu = CpuBackend.f32(1)) {
      RandomPlan first = RandomPlan.of(cpu, 7);
      RandomPlan.of(cpu, 8);
      assertThat(RandomPlan.of(cpu, 7)).isEqualTo(first);
    }
  }
}
