package io.antiphon.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Everything measured of one contender. */
public final class ContenderResult {
  private final Contender contender;
  private final List<Measurement> measurements = new ArrayList<>();
  private final LoadHistogram histogram = new LoadHistogram();

  ContenderResult(Contender contender) {
    this.contender = contender;
  }

  void add(Measurement measurement) {
    measurements.add(measurement);
  }

  LoadHistogram histogram() {
    return histogram;
  }

  List<Measurement> measurements() {
    return measurements;
  }

  /** Whom this is about. */
  public Contender contender() {
    return contender;
  }

  /** Boils the measurements down. */
  public Summary summary() {
    Quantiles load = quantiles(Measurement::maxOverMean);
    Quantiles seconds = quantiles(Measurement::seconds);
    long optimal = measurements.stream().filter(Measurement::isOptimal).count();
    return new Summary(
        contender,
        load.mean(),
        load.at(0.99),
        load.max(),
        (double) optimal / measurements.size(),
        Capacity.of(needs(), measurements.get(0).ranks()),
        mean(Measurement::clones),
        mean(Measurement::weightsInside),
        mean(Measurement::weightsBetween),
        mean(Measurement::tokensInside),
        mean(Measurement::tokensBetween),
        quantiles(Measurement::planNanos).at(0.5) * 1e-9,
        seconds.mean(),
        seconds.at(0.99),
        mean(Measurement::gemmSeconds));
  }

  /**
   * Need of each step: the most of its layers and micro-batches, over the mean load of the same. A
   * micro-batch with fewer tokens than others needs fewer rows, so this is on the safe side.
   */
  private double[] needs() {
    List<Double> needs = new ArrayList<>();
    long step = -1;
    for (Measurement measurement : measurements) {
      double need = measurement.maxOverMean();
      if (measurement.step() != step) {
        needs.add(need);
        step = measurement.step();
      } else {
        needs.set(needs.size() - 1, Math.max(need, needs.get(needs.size() - 1)));
      }
    }
    return needs.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private Quantiles quantiles(ToDoubleFunction<Measurement> value) {
    return new Quantiles(measurements.stream().mapToDouble(value).toArray());
  }

  private double mean(ToDoubleFunction<Measurement> value) {
    return measurements.stream().mapToDouble(value).sum() / measurements.size();
  }

  /**
   * One line of the comparison. Bytes, clones and seconds are means over samples: one layer and
   * micro-batch.
   *
   * @param contender whom it is about
   * @param load busiest rank over the mean
   * @param loadP99 not exceeded by 99 % of the samples
   * @param loadWorst the worst sample
   * @param optimalShare share of samples where no integer loads are better
   * @param capacity rows needed, in multiples of the mean
   * @param clones extra copies of experts
   * @param weightsInside bytes of weights and gradients inside nodes
   * @param weightsBetween the same between nodes
   * @param tokensInside bytes of rows inside nodes
   * @param tokensBetween the same between nodes
   * @param planSeconds median time of the planner on this machine's CPU; 0 if it plans nothing
   * @param seconds estimated time
   * @param secondsP99 not exceeded by 99 % of the samples
   * @param gemmSeconds of the mean time, expert GEMMs of the slowest rank
   */
  public record Summary(
      Contender contender,
      double load,
      double loadP99,
      double loadWorst,
      double optimalShare,
      Capacity capacity,
      double clones,
      double weightsInside,
      double weightsBetween,
      double tokensInside,
      double tokensBetween,
      double planSeconds,
      double seconds,
      double secondsP99,
      double gemmSeconds) {}
}
