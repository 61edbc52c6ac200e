package io.antiphon.monitor;

import io.antiphon.train.report.LayerLoad;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.StepMetrics;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Small records whose figures are easy to check by hand. */
final class TestRun {

  private TestRun() {}

  /** Two bytes per token, a bigram loss of 2.5 nats per token, ten steps. */
  static RunInfo info(long resumedStep) {
    return new RunInfo(
        "tiny",
        2,
        2,
        4,
        2,
        2,
        1,
        "bin-packing",
        10,
        16,
        2,
        2.0,
        "cpu",
        2.5,
        resumedStep,
        Instant.parse("2001-02-03T04:05:06Z"));
  }

  /** One MoE layer, 32 tokens in {@code seconds}. */
  static StepMetrics step(
      long step, double loss, double seconds, double before, double after, int clones) {
    return new StepMetrics(
        step,
        loss,
        0.02,
        0.001,
        1.5,
        0.003,
        32,
        32,
        seconds,
        0,
        0,
        40,
        36,
        List.of(
            new LayerLoad(
                1,
                new long[] {30, 10, 14, 10},
                new long[] {40, 24},
                new long[] {32, 32},
                before,
                after,
                clones,
                clones,
                4096)));
  }

  /** Does what {@link #info} does, on a GPU. */
  static RunInfo onGpu() {
    return new RunInfo(
        "tiny",
        2,
        2,
        4,
        2,
        2,
        1,
        "bin-packing",
        10,
        16,
        2,
        2.0,
        "NVIDIA H100 80GB HBM3 (device 0, compute capability 9.0, 79.2 GiB), CUDA 13.0, bf16",
        2.5,
        0,
        Instant.parse("2001-02-03T04:05:06Z"));
  }

  /** Does what {@link #step(long)} does, on a GPU with so many CUDA calls. */
  static StepMetrics onGpu(long step, Map<String, Long> cudaCalls) {
    StepMetrics cpu = step(step);
    return new StepMetrics(
        step,
        cpu.loss(),
        cpu.auxLoss(),
        cpu.zLoss(),
        cpu.gradientNorm(),
        cpu.learningRate(),
        cpu.targets(),
        cpu.tokens(),
        cpu.seconds(),
        cpu.reruns(),
        cpu.skippedUpdates(),
        cpu.rowCapacity(),
        cpu.maxRows(),
        cpu.layers(),
        cudaCalls);
  }

  static StepMetrics step(long step) {
    return step(step, 2.0, 0.5, 1.25, 1.0, 1);
  }
}
