package io.antiphon.conf;

/**
 * AdamW and the ends of its learning rate.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code optimizer}.
 */
public record Optimizer(
    @Key(doc = "Highest learning rate", megatron = "--lr", above = 0, example = "3e-4")
        double learningRate,
    @Key(
            doc = "Learning rate at the last step",
            megatron = "--min-lr",
            derived = "learning-rate / 10",
            min = 0)
        double minLearningRate,
    @Key(
            doc = "Decay of the mean of gradients",
            megatron = "--adam-beta1",
            byDefault = "0.9",
            min = 0,
            below = 1)
        double beta1,
    @Key(
            doc = "Decay of the mean of squared gradients",
            megatron = "--adam-beta2",
            byDefault = "0.95",
            min = 0,
            below = 1)
        double beta2,
    @Key(
            doc = "Added to the root of the mean square",
            megatron = "--adam-eps",
            byDefault = "1e-8",
            above = 0)
        double epsilon,
    @Key(doc = "Decoupled weight decay", megatron = "--weight-decay", byDefault = "0.1", min = 0)
        double weightDecay,
    @Key(
            doc = "The gradient's global norm is scaled down to this; a huge value never clips",
            megatron = "--clip-grad",
            byDefault = "1.0",
            above = 0)
        double clipNorm) {

  /** Checks the limits of every key. */
  public Optimizer {
    Limits.require(
        Optimizer.class,
        learningRate,
        minLearningRate,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        clipNorm);
  }
}
