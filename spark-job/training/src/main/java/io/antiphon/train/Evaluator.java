package io.antiphon.train;

import io.antiphon.model.EvaluationStep;
import io.antiphon.model.LoadStatistics;
import io.antiphon.model.ModelState;
import io.antiphon.train.report.EvaluationMetrics;
import java.util.Arrays;
import java.util.Optional;

/**
 * The loss over the first sequences of a text, shared out among the ranks. Routed and planned as in
 * training; a pass that does not fit runs again with more row capacity. Sequences that only fill up
 * the last pass have no targets but count as load.
 */
public final class Evaluator {
  private final ModelSetup setup;
  private final RankDevice device;
  private final ModelState state;
  private final SequenceSource text;
  private final long sequences;
  private long rowCapacity;

  /**
   * @param text sequences, the same on every rank
   * @param limit evaluate at most so many; 0 for none
   */
  public Evaluator(
      ModelSetup setup,
      RankDevice device,
      ModelState state,
      SequenceSource text,
      long limit,
      double capacityFactor) {
    this.setup = setup;
    this.device = device;
    this.state = state;
    this.text = text;
    this.sequences = Math.min(limit, text.sequences());
    this.rowCapacity = setup.rowCapacity(capacityFactor, device.groups().experts().ranks());
  }

  /** How many sequences are evaluated; where there are none, there is nothing to call. */
  public long sequences() {
    return sequences;
  }

  /** The loss after {@code step} steps; every rank calls this and gets the same. */
  public Evaluation evaluate(long step) {
    int microBatch = setup.batch().microBatch();
    int rank = device.groups().world().rank();
    long perPass = (long) microBatch * device.groups().world().ranks();
    double lossSum = 0;
    double targets = 0;
    long passes = 0;
    Optional<LoadStatistics> loads = Optional.empty();
    try (ForwardPass forward = new ForwardPass(setup, device, state, rowCapacity)) {
      for (long first = 0; first < sequences; first += perPass) {
        EvaluationStep.Result result = forward.run(tokens(first + (long) rank * microBatch));
        lossSum += result.lossSum();
        targets += result.targets();
        LoadStatistics more = forward.loads();
        loads = Optional.of(loads.map(before -> before.plus(more)).orElse(more));
        passes++;
      }
      rowCapacity = forward.rowCapacity();
      return new Evaluation(
          new EvaluationMetrics(step, lossSum / Math.max(1, targets), (long) targets),
          sequences,
          LayerLoads.of(loads.orElseThrow(), setup, device.groups(), passes),
          forward.reruns());
    }
  }

  /** Sequences {@code [first, first + microBatch)}; those beyond the end have no targets. */
  private int[] tokens(long first) {
    int length = setup.batch().sequenceLength() + 1;
    int[] tokens = new int[setup.batch().microBatch() * length];
    Arrays.fill(tokens, setup.model().endOfText());
    for (int i = 0; i < setup.batch().microBatch(); i++) {
      if (first + i < sequences) {
        text.read(first + i, tokens, i * length);
      }
    }
    return tokens;
  }
}
