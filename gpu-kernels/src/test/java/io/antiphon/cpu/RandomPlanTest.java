package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RandomPlanTest {
  private static final int PLANS = 300;

  @Test
  void bothPrecisionsOfTheCpuPlanAlikeAndSeedsDiffer() {
    try (CpuBackend single = CpuBackend.f32(1);
        CpuBackend oracle = CpuBackend.f64()) {
      long last = 0;
      for (long seed = 0; seed < PLANS; seed++) {
        RandomPlan plan = RandomPlan.of(single, seed);
        assertThat(plan).as("seed %d", seed).isEqualTo(RandomPlan.of(oracle, seed));
        assertThat(plan.loads()).as("seed %d", seed).isNotEqualTo(last);
        last = plan.loads();
      }
    }
  }
}
