package io.antiphon.tensor;

/**
 * Fixed numbers of AdamW.
 *
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay, multiplied by the learning rate
 */
public record AdamOptions(double beta1, double beta2, double epsilon, double weightDecay) {}
