package io.antiphon.train.report;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * What one training step did, over all ranks. Rank 0 sends it to the driver.
 *
 * @param step 1-based: the number of updates after this step
 * @param loss mean cross-entropy over the targets of the global batch, in nats per token; not
 *     finite where the step diverged
 * @param auxLoss load-balancing term of the objective, its coefficient included
 * @param zLoss router z-loss term of the objective, its coefficient included
 * @param gradientNorm global norm before clipping; not finite where the update was skipped
 * @param learningRate rate of this update
 * @param targets target tokens in the global batch
 * @param tokens input tokens of the global batch
 * @param seconds wall-clock time of the step, reruns included
 * @param reruns how often this step ran again with more row capacity
 * @param skippedUpdates updates skipped so far for a gradient that was not finite
 * @param rowCapacity rows a rank's static buffers hold; 0 for a dense model
 * @param maxRows most rows any rank held in any MoE layer and micro-batch
 * @param layers one entry per MoE layer, by ascending layer; empty for a dense model
 * @param cudaCalls calls of CUDA's functions that rank 0 made between the records of the step
 *     before and of this one, by name; empty on the CPU
 */
public record StepMetrics(
    long step,
    double loss,
    double auxLoss,
    double zLoss,
    double gradientNorm,
    double learningRate,
    long targets,
    long tokens,
    double seconds,
    int reruns,
    long skippedUpdates,
    long rowCapacity,
    long maxRows,
    List<LayerLoad> layers,
    Map<String, Long> cudaCalls)
    implements RunReport {

  /** A step on the CPU. */
  public StepMetrics(
      long step,
      double loss,
      double auxLoss,
      double zLoss,
      double gradientNorm,
      double learningRate,
      long targets,
      long tokens,
      double seconds,
      int reruns,
      long skippedUpdates,
      long rowCapacity,
      long maxRows,
      List<LayerLoad> layers) {
    this(
        step,
        loss,
        auxLoss,
        zLoss,
        gradientNorm,
        learningRate,
        targets,
        tokens,
        seconds,
        reruns,
        skippedUpdates,
        rowCapacity,
        maxRows,
        layers,
        Map.of());
  }

  public StepMetrics {
    if (step < 1 || targets < 1 || tokens < 1) {
      throw new IllegalArgumentException(
          String.format(
              "step, targets and tokens must be >= 1, were %d, %d, %d", step, targets, tokens));
    }
    if (!(seconds > 0) || Double.isInfinite(seconds)) {
      throw new IllegalArgumentException("seconds of step " + step + " must be > 0: " + seconds);
    }
    if (reruns < 0 || skippedUpdates < 0 || rowCapacity < 0 || maxRows < 0) {
      throw new IllegalArgumentException(
          String.format(
              "reruns, skippedUpdates, rowCapacity and maxRows must be >= 0, were %d, %d, %d, %d",
              reruns, skippedUpdates, rowCapacity, maxRows));
    }
    layers = List.copyOf(layers);
    cudaCalls = Collections.unmodifiableMap(new TreeMap<>(cudaCalls));
    for (int i = 1; i < layers.size(); i++) {
      if (layers.get(i).layer() <= layers.get(i - 1).layer()) {
        throw new IllegalArgumentException(
            "layers of step " + step + " are not in ascending order");
      }
    }
  }

  /** Number of all CUDA calls of this step. */
  public long cudaCallsInAll() {
    return cudaCalls.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Number of CUDA calls during which the host waited for the device. */
  public long cudaCallsThatWait() {
    long waits = 0;
    for (Map.Entry<String, Long> call : cudaCalls.entrySet()) {
      waits += call.getKey().contains("Synchronize") ? call.getValue() : 0;
    }
    return waits;
  }

  /** Throughput of this step in input tokens per second. */
  public double tokensPerSecond() {
    return tokens / seconds;
  }

  /** Max/mean rank load before planning, averaged over the MoE layers; NaN for a dense model. */
  public double loadBefore() {
    return layers.stream().mapToDouble(LayerLoad::imbalanceBefore).average().orElse(Double.NaN);
  }

  /** Max/mean rank load after planning, averaged over the MoE layers; NaN for a dense model. */
  public double loadAfter() {
    return layers.stream().mapToDouble(LayerLoad::imbalanceAfter).average().orElse(Double.NaN);
  }

  /** Percentiles over the MoE layers of max/mean rank load before planning. */
  public Percentiles loadBeforePercentiles() {
    return percentiles(LayerLoad::imbalanceBefore);
  }

  /** Percentiles over the MoE layers of max/mean rank load after planning. */
  public Percentiles loadAfterPercentiles() {
    return percentiles(LayerLoad::imbalanceAfter);
  }

  private Percentiles percentiles(ToDoubleFunction<LayerLoad> imbalance) {
    return Percentiles.of(layers.stream().mapToDouble(imbalance).toArray());
  }

  /** Spread of the experts in multiples of their mean, averaged over the MoE layers. */
  public CountSpread expertSpread() {
    List<CountSpread> spreads =
        layers.stream().map(LayerLoad::relativeExpertSpread).filter(s -> s.max() > 0).toList();
    return new CountSpread(
        spreads.stream().mapToDouble(CountSpread::min).average().orElse(Double.NaN),
        spreads.stream().mapToDouble(CountSpread::max).average().orElse(Double.NaN),
        spreads.stream().mapToDouble(CountSpread::std).average().orElse(Double.NaN));
  }

  /** Echo slots in use, summed over the MoE layers. */
  public long clones() {
    return layers.stream().mapToLong(LayerLoad::clones).sum();
  }

  /** Clones whose weights were sent in forward, summed over the MoE layers. */
  public long clonesSent() {
    return layers.stream().mapToLong(LayerLoad::clonesSent).sum();
  }

  /** Weights of clones that need not be sent, summed over the MoE layers. */
  public long weightBytesSaved() {
    return layers.stream().mapToLong(LayerLoad::weightBytesSaved).sum();
  }

  @Override
  public void deliver(RunReports to) {
    to.step(this);
  }
}
