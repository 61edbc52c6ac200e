package io.antiphon.train;

import io.antiphon.model.BatchOptions;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.ModelState;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Validation loss over the first sequences of the validation split, shared out among the ranks.
 * Routed and planned as in training; a micro-batch that does not fit runs again with more row
 * capacity.
 */
public final class Evaluator {
  private final ModelSetup setup;
  private final RankDevice device;
  private final ModelState state;
  private final SequenceSource validation;
  private final long sequences;
  private long rowCapacity;

  /**
   * @param validation sequences, the same on every rank
   * @param limit evaluate at most so many
   */
  public Evaluator(
      ModelSetup setup,
      RankDevice device,
      ModelState state,
      SequenceSource validation,
      long limit,
      double capacityFactor) {
    this.setup = setup;
    this.device = device;
    this.state = state;
    this.validation = validation;
    this.sequences = Math.min(limit, validation.sequences());
    this.rowCapacity = setup.rowCapacity(capacityFactor);
  }

  /** The loss after {@code step} steps; every rank calls this and gets the same. */
  public EvaluationMetrics evaluate(long step) {
    BatchOptions batch = setup.batch();
    int rank = device.groups().world().rank();
    int ranks = device.groups().world().ranks();
    double lossSum = 0;
    double targets = 0;
    EvaluationStep evaluation = record();
    try {
      long perRound = (long) batch.microBatch() * ranks;
      for (long first = 0; first < sequences; first += perRound) {
        ByteBuffer tokens = tokens(first + (long) rank * batch.microBatch());
        EvaluationStep.Result result = evaluation.run(tokens.duplicate().order(tokens.order()));
        while (result.overflow()) {
          rowCapacity =
              setup.grownCapacity(
                  rowCapacity, result.requiredRows(), device.groups().experts().ranks());
          evaluation.close();
          evaluation = record();
          result = evaluation.run(tokens.duplicate().order(tokens.order()));
        }
        lossSum += result.lossSum();
        targets += result.targets();
      }
    } finally {
      evaluation.close();
    }
    return new EvaluationMetrics(step, lossSum / Math.max(1, targets), (long) targets);
  }

  private EvaluationStep record() {
    return new EvaluationStep(state, device.groups(), setup.batch(), rowCapacity);
  }

  /** Sequences {@code [first, first + microBatch)}; those beyond the end have no targets. */
  private ByteBuffer tokens(long first) {
    int length = setup.batch().sequenceLength() + 1;
    int[] tokens = new int[setup.batch().microBatch() * length];
    Arrays.fill(tokens, setup.model().endOfText());
    for (int i = 0; i < setup.batch().microBatch(); i++) {
      if (first + i < sequences) {
        validation.read(first + i, tokens, i * length);
      }
    }
    return TokenBytes.of(tokens);
  }
}
