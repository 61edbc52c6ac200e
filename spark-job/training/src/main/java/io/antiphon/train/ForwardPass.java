package io.antiphon.train;

import io.antiphon.model.BatchOptions;
import io.antiphon.model.EvaluationStep;
import io.antiphon.model.LoadStatistics;
import io.antiphon.model.ModelState;

/**
 * Forward passes that drop no row: routed and planned as in training, and one that does not fit its
 * row buffers runs again with larger ones. All ranks act together.
 */
final class ForwardPass implements AutoCloseable {
  private final ModelSetup setup;
  private final BatchOptions batch;
  private final RankDevice device;
  private final ModelState state;
  private EvaluationStep step;
  private int reruns;

  /**
   * @param setup whose batch says how large one pass is
   * @param rowCapacity rows to begin with
   */
  ForwardPass(ModelSetup setup, RankDevice device, ModelState state, long rowCapacity) {
    this.setup = setup;
    this.batch = setup.batch();
    this.device = device;
    this.state = state;
    this.step = record(rowCapacity);
  }

  private EvaluationStep record(long rowCapacity) {
    return new EvaluationStep(state, device.groups(), batch, rowCapacity);
  }

  /** Does what {@link EvaluationStep#run} does; the result never is an overflow. */
  EvaluationStep.Result run(int[] tokens) {
    EvaluationStep.Result result = step.run(tokens);
    while (result.overflow()) {
      int expertRanks = device.groups().experts().ranks();
      long capacity = setup.grownCapacity(rowCapacity(), result.requiredRows(), expertRanks);
      step.close();
      step = record(capacity);
      reruns++;
      result = step.run(tokens);
    }
    return result;
  }

  /** After {@link #run}: the loads of its micro-batch. */
  LoadStatistics loads() {
    return step.loads();
  }

  /** After {@link #run}: logits of one token of this rank, {@code [vocabulary]}. */
  double[] logits(int token) {
    return step.logits(token);
  }

  /** Rows the buffers hold by now. */
  long rowCapacity() {
    return step.rowCapacity();
  }

  /** How often a pass ran again. */
  int reruns() {
    return reruns;
  }

  @Override
  public void close() {
    step.close();
  }
}
