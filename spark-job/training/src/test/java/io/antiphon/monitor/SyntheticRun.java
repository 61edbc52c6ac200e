package io.antiphon.monitor;

import io.antiphon.train.report.EvaluationMetrics;
import io.antiphon.train.report.LayerLoad;
import io.antiphon.train.report.RunEvent;
import io.antiphon.train.report.RunInfo;
import io.antiphon.train.report.RunListener;
import io.antiphon.train.report.StepMetrics;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

/**
 * A made-up run whose curves look like those of a real one: the loss falls, the routing is skewed,
 * and clones level the ranks. The same seed and step give the same numbers.
 */
record SyntheticRun(int ranks, int experts, int layers, int steps) {

  private static final int TOP_K = 2;
  private static final int SEQUENCE_LENGTH = 128;
  private static final int GLOBAL_BATCH = 32;
  private static final int MICRO_BATCHES = 2;

  RunInfo info(long resumedStep) {
    return new RunInfo(
        "quickstart",
        ranks,
        ranks,
        experts,
        experts == 0 ? 0 : TOP_K,
        Math.max(2, layers),
        experts == 0 ? 0 : 1,
        experts == 0 ? "" : "bin-packing",
        steps,
        SEQUENCE_LENGTH,
        GLOBAL_BATCH,
        1.0,
        "cpu",
        2.02,
        resumedStep,
        Instant.parse("2001-02-03T04:05:06Z"));
  }

  StepMetrics step(long step) {
    Random random = new Random(31 * step);
    double progress = step / (double) steps;
    List<LayerLoad> loads = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      loads.add(layer(layer, progress, random));
    }
    long maxRows =
        loads.stream()
            .mapToLong(load -> LongStream.of(load.rankLoadAfter()).max().orElseThrow())
            .max()
            .orElse(0);
    boolean rerun = step == steps / 5;
    double warmup = Math.min(1, step / (0.05 * steps));
    return new StepMetrics(
        step,
        1.55 + 3.9 * Math.exp(-9 * progress) + 0.06 * random.nextGaussian() - 0.25 * progress,
        0.02 + 0.001 * random.nextDouble(),
        0,
        0.8 + 3 * Math.exp(-20 * progress) + 0.25 * Math.abs(random.nextGaussian()),
        3e-3 * warmup * (0.55 + 0.45 * Math.cos(Math.PI * progress)),
        (long) GLOBAL_BATCH * SEQUENCE_LENGTH,
        (long) GLOBAL_BATCH * SEQUENCE_LENGTH,
        (rerun ? 2 : 1) * (0.36 + 0.03 * random.nextDouble()) + (step == 1 ? 0.5 : 0),
        rerun ? 1 : 0,
        step > steps / 2 ? 1 : 0,
        experts == 0 ? 0 : (long) ((step < steps / 5.0 ? 1.1 : 1.25) * rowsPerRank()),
        maxRows / MICRO_BATCHES,
        loads);
  }

  private double rowsPerRank() {
    return (double) GLOBAL_BATCH * SEQUENCE_LENGTH * TOP_K / ranks / MICRO_BATCHES;
  }

  private LayerLoad layer(int layer, double progress, Random random) {
    long assignments = (long) GLOBAL_BATCH * SEQUENCE_LENGTH * TOP_K;
    double[] weights = new double[experts];
    double total = 0;
    for (int expert = 0; expert < experts; expert++) {
      double taste = new Random(1000L * layer + expert).nextGaussian();
      double drift = Math.sin(6 * progress + expert + layer);
      weights[expert] =
          Math.exp(0.5 * taste + 0.25 * drift + 0.08 * random.nextGaussian() + 0.1 * layer * taste);
      total += weights[expert];
    }
    long[] counts = new long[experts];
    long left = assignments;
    for (int expert = 0; expert < experts; expert++) {
      long share = Math.round(assignments * weights[expert] / total);
      counts[expert] = expert == experts - 1 ? left : Math.min(left, share);
      left -= counts[expert];
    }
    long[] before = new long[ranks];
    for (int expert = 0; expert < experts; expert++) {
      before[expert / (experts / ranks)] += counts[expert];
    }
    long[] after = level(before, random);
    int clones = MICRO_BATCHES * (ranks - 1) - random.nextInt(3);
    return new LayerLoad(
        layer,
        counts,
        before,
        after,
        imbalance(before) + 0.03 * random.nextDouble(),
        imbalance(after) + 0.005 * random.nextDouble(),
        clones,
        clones,
        0);
  }

  /** Moves most of the surplus of every rank to those below the mean. */
  private long[] level(long[] before, Random random) {
    long total = LongStream.of(before).sum();
    long[] after = new long[ranks];
    long left = total;
    for (int rank = 0; rank < ranks; rank++) {
      double mean = (double) total / ranks;
      long load = Math.round(mean + 0.05 * (before[rank] - mean) + 4 * random.nextGaussian());
      after[rank] = rank == ranks - 1 ? left : Math.min(left, load);
      left -= after[rank];
    }
    return after;
  }

  private static double imbalance(long[] loads) {
    double mean = (double) LongStream.of(loads).sum() / loads.length;
    return LongStream.of(loads).max().orElseThrow() / mean;
  }

  /** Reports the steps {@code (from, to]} with evaluations and events among them. */
  void report(RunListener listener, long from, long to) {
    int every = Math.max(1, steps / 8);
    for (long step = from + 1; step <= to; step++) {
      if (step == steps / 5) {
        listener.event(
            new RunEvent(
                RunEvent.Kind.RERUN,
                step,
                "layer 1 needed 1133 rows on rank 2, room was for 1126; now 1280"));
      }
      listener.step(step(step));
      if (step == steps / 2 + 1) {
        listener.event(
            new RunEvent(RunEvent.Kind.SKIPPED_UPDATE, step, "the gradient was not finite"));
      }
      if (step % every == 0 || step == steps) {
        double loss = 1.62 + 3.7 * Math.exp(-9.0 * step / steps) - 0.2 * step / steps;
        listener.evaluated(new EvaluationMetrics(step, loss, 32_768));
        listener.event(new RunEvent(RunEvent.Kind.CHECKPOINT, step, ""));
      }
    }
  }
}
