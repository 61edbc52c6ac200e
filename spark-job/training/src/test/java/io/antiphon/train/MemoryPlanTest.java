package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.conf.Settings;
import io.antiphon.conf.SettingsReader;
import io.antiphon.device.Device;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.ModelState;
import io.antiphon.model.RecordOptions;
import io.antiphon.model.TrainingStep;
import io.antiphon.tensor.Arena;
import io.antiphon.tensor.DType;
import io.antiphon.transport.ThreadTransport;
import io.antiphon.transport.Transport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
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
                state,
                device.groups(),
                setup.batch(),
                setup.update(),
                plan.rowCapacity(),
                RecordOptions.keeping(1));
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

  /** Checks what its comments say, without a GPU and without allocating anything. */
  @Test
  void theBillionParameterPresetFitsAGpuOf80Gigabytes() {
    MemoryPlan one = plan("moe-1b");
    MemoryPlan quarter = plan("moe-1b", "parallelism.ranks=4");

    assertThat(one.parameters()).isEqualTo(1_034_050_560);
    assertThat(one.training().get(Arena.Category.OPTIMIZER)).isEqualTo(12 * one.parameters());
    // Slots have gradients of their own, and one rank has no slots.
    assertThat(one.training().get(Arena.Category.GRADIENT)).isEqualTo(4 * one.parameters());
    assertThat(quarter.training().get(Arena.Category.GRADIENT))
        .isGreaterThan(4 * quarter.parameters());
    assertThat(one.bytesOnDevice(1)).isLessThan(60L << 30);
    assertThat(quarter.bytesOnDevice(4)).isLessThan(70L << 30);
    assertThat(one.toString()).startsWith("1,034,050,560 parameters; parameter ");
  }

  @Test
  void aRunThatDoesNotFitIsToldItsPlanAndWhatToLower() {
    Settings settings = billion("parallelism.ranks=4", "moe.token-capacity=1.5");
    MemoryPlan plan = MemoryPlan.onGpu(settings, setup(settings));
    Device.Memory small = new Device.Memory(20L << 30, 24L << 30);

    String shortage = plan.shortage(settings, "a small GPU (device 0)", small, 4, 1).orElseThrow();
    assertThat(shortage)
        .matches(
            "the run needs [67]\\d\\.\\d GiB on a small GPU \\(device 0\\), of which 20\\.0 GiB.*")
        .contains(
            "are free and which 4 ranks share. Memory plan of a rank: 279,075,840 parameters;",
            "GiB, with room for ",
            "expert rows. Lower schedule.micro-batch (now 4), model.sequence-length (now 2048),"
                + " moe.token-capacity (now 1.5), moe.echo.slots-per-rank (now 2) or the model, set"
                + " model.recompute = true, or spread the ranks over more GPUs");
    assertThat(plan.advice(settings)).startsWith("Memory plan of a rank: 279,075,840 parameters;");
    assertThat(shortage).endsWith(plan.advice(settings));
  }

  @Test
  void whatOthersHoldOnADeviceCounts() {
    Settings settings = billion();
    MemoryPlan plan = MemoryPlan.onGpu(settings, setup(settings));
    long total = 80L << 30;

    assertThat(shortage(settings, plan, new Device.Memory(total, total), 1, 1)).isEmpty();
    assertThat(shortage(settings, plan, new Device.Memory(plan.bytes(), total), 1, 1)).isEmpty();
    assertThat(shortage(settings, plan, new Device.Memory(plan.bytes() - 1, total), 1, 1))
        .isPresent();
    // Of two ranks one is there already: the other needs its own part only.
    assertThat(shortage(settings, plan, new Device.Memory(plan.bytes(), total), 2, 1)).isEmpty();
    assertThat(shortage(settings, plan, new Device.Memory(plan.bytes(), total), 2, 2)).isPresent();
    assertThat(shortage(settings, plan, new Device.Memory(total, total), 3, 3)).isPresent();
  }

  private static Optional<String> shortage(
      Settings settings, MemoryPlan plan, Device.Memory memory, int sharing, int coming) {
    return plan.shortage(settings, "device 0", memory, sharing, coming);
  }

  @Test
  void aRemedyNamesOnlyWhatWouldHelp() {
    Settings dense = billion("moe.experts=0", "moe.echo.enabled=false", "model.recompute=true");
    assertThat(MemoryPlan.onGpu(dense, setup(dense)).remedy(dense))
        .isEqualTo(
            "Lower schedule.micro-batch (now 4), model.sequence-length (now 2048) or the model, or"
                + " spread the ranks over more GPUs");
    Settings reuse = billion("moe.echo.reuse-clones=true", "parallelism.ranks=4");
    assertThat(MemoryPlan.onGpu(reuse, setup(reuse)).remedy(reuse))
        .contains("set model.recompute = true and moe.echo.reuse-clones = false, or");
    Settings least = billion("schedule.micro-batch=1", "moe.echo.slots-per-rank=1");
    assertThat(MemoryPlan.onGpu(least, setup(least)).remedy(least))
        .startsWith("Lower model.sequence-length (now 2048) or the model, set");
    Settings alone = billion("moe.echo.reuse-clones=true");
    assertThat(MemoryPlan.onGpu(alone, setup(alone)).remedy(alone)).doesNotContain("echo");
    Settings without = billion("moe.echo.enabled=false", "parallelism.ranks=4");
    assertThat(MemoryPlan.onGpu(without, setup(without)).remedy(without)).doesNotContain("echo");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "schedule.micro-batch=2",
        "model.sequence-length=1024",
        "moe.token-capacity=1",
        "moe.echo.slots-per-rank=1",
        "model.recompute=true"
      })
  void everyRemedyLessensThePlan(String remedy) {
    Settings before = billion("parallelism.ranks=2");
    Settings after = billion("parallelism.ranks=2", remedy);
    assertThat(MemoryPlan.onGpu(after, setup(after)).bytes())
        .isLessThan(MemoryPlan.onGpu(before, setup(before)).bytes());
  }

  @Test
  void whatNcclGathersCounts() {
    MemoryPlan peers = plan("moe-1b", "parallelism.ranks=2");
    MemoryPlan nccl = plan("moe-1b", "parallelism.ranks=2", "backend.interconnect=nccl");

    long rows = 2 * nccl.rowCapacity() * 1024 * Short.BYTES;
    long weights = 64L * 2 * 512 * 1024 * Short.BYTES;
    assertThat(nccl.bytes() - peers.bytes()).isEqualTo(rows + weights);
    assertThat(nccl.toString()).contains(", communication 0.").contains(", in all ");
    assertThat(peers.toString()).doesNotContain("communication");
    assertThat(plan("moe-1b", "backend.interconnect=nccl").communication()).isZero();
  }

  @Test
  void aRunOnTheCpuHasAPlanToo() {
    Settings single = SettingsReader.preset("quickstart", List.of("backend.kind=cpu"));
    Settings checking = SettingsReader.preset("quickstart", List.of("backend.kind=cpu-f64"));
    assertThat(MemoryPlan.onCpu(checking, setup(checking)).bytes())
        .isGreaterThan(MemoryPlan.onCpu(single, setup(single)).bytes());
  }

  private static Settings billion(String... overrides) {
    return SettingsReader.preset("moe-1b", List.of(overrides));
  }

  private static ModelSetup setup(Settings settings) {
    return ModelSetup.of(settings, 257, 256);
  }

  private static MemoryPlan plan(String preset, String... overrides) {
    Settings settings = SettingsReader.preset(preset, List.of(overrides));
    return MemoryPlan.onGpu(settings, setup(settings));
  }
}
