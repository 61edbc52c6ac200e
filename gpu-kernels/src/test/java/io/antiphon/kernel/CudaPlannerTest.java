package io.antiphon.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.cpu.CpuBackend;
import io.antiphon.cpu.RandomPlan;
import io.antiphon.tensor.DType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Every planner, the row layout and the load statistics on a CUDA device, against the CPU: the same
 * bits for random groups of 1 to 128 ranks. {@code -Dantiphon.plans=N} changes how many.
 */
@Tag("gpu")
class CudaPlannerTest {
  private static final int PLANS = Integer.getInteger("antiphon.plans", 10_000);

  @Test
  @Timeout(300)
  void plansHaveTheBitsOfTheCpu() {
    try (CpuBackend cpu = CpuBackend.f32(1);
        CudaBackend cuda = CudaBackend.open(0, DType.F32, TestDevices.kernelCache())) {
      for (long seed = 0; seed < PLANS; seed++) {
        RandomPlan expected = RandomPlan.of(cpu, seed);
        assertThat(RandomPlan.of(cuda, seed)).as("seed %d", seed).isEqualTo(expected);
      }
    }
  }
}
