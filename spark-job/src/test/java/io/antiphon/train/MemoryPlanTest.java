package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.cpu.ThreadTransport;
import io.antiphon.cpu.Transport;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.ModelState;
import io.antiphon.model.TrainingStep;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.DType;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryPlanTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  @ParameterizedTest
  @ValueSource(strings = {"model.recompute=false", "model.recompute=true", "moe.experts=0"})
  void isWhatTheRunAllocates(String option) {
    Settings settings =
        SettingsReader.preset(
            "quickstart",
            List.of(
                option,
                "backend.kind=cpu",
                "parallelism.ranks=1",
                "parallelism.expert-parallel=1"));
    ModelSetup setup = ModelSetup.of(settings, SyntheticText.VOCABULARY, SyntheticText.END);
    MemoryPlan plan = MemoryPlan.of(settings, setup, DType.F32, 0);
    Transport alone = ThreadTransport.group(1, LIMIT).get(0);
    try (RankDevice device = RankDevice.open(settings, alone);
        ModelState state = ModelState.blank(device.backend(), setup.model(), 0, 1);
        TrainingStep step =
            new TrainingStep(
                state, device.groups(), setup.batch(), setup.update(), plan.rowCapacity(), 1);
        EvaluationStep evaluation =
            new EvaluationStep(state, device.groups(), setup.batch(), plan.rowCapacity())) {
      for (Arena.Category category : Arena.Category.values()) {
        assertThat(plan.training().get(category))
            .as(category.name())
            .isEqualTo(state.bytes(category) + step.bytes(category));
      }
      assertThat(plan.evaluation()).isEqualTo(evaluation.bytes());
      assertThat(plan.bytes()).isEqualTo(state.bytes() + step.bytes() + evaluation.bytes());
    }
  }

  /** As its comments say, without a GPU and without allocating anything. */
  @Test
  void theBillionParameterPresetFitsAGpuOf80Gigabytes() {
    MemoryPlan one = plan("moe-1b");
    MemoryPlan quarter = plan("moe-1b", "parallelism.ranks=4");

    assertThat(one.parameters()).isEqualTo(1_034_050_560);
    assertThat(one.training().get(Arena.Category.OPTIMIZER)).isEqualTo(12 * one.parameters());
    assertThat(one.training().get(Arena.Category.GRADIENT)).isGreaterThan(4 * one.parameters());
    assertThat(one.bytesOnDevice(1)).isLessThan(60L << 30);
    assertThat(quarter.bytesOnDevice(4)).isLessThan(70L << 30);
    assertThat(one.toString()).startsWith("1,034,050,560 parameters; parameter ");
  }

  private static MemoryPlan plan(String preset, String... overrides) {
    Settings settings = SettingsReader.preset(preset, List.of(overrides));
    return MemoryPlan.of(settings, ModelSetup.of(settings, 257, 256), DType.BF16, 2);
  }
}
