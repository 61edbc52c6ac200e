package io.antiphon.train.report;

/**
 * The loss on the validation split.
 *
 * @param step updates done when it was measured; 0 is the untrained model
 * @param loss mean cross-entropy over the targets, in nats per token; not finite where the model
 *     diverged
 * @param targets target tokens evaluated
 */
public record EvaluationMetrics(long step, double loss, long targets) implements RunReport {
  public EvaluationMetrics {
    if (step < 0 || targets < 1) {
      throw new IllegalArgumentException(
          "an evaluation needs step >= 0 and targets >= 1, were " + step + " and " + targets);
    }
  }

  @Override
  public void deliver(RunReports to) {
    to.evaluated(this);
  }
}
