package io.antiphon.train;

import java.io.Serializable;

/**
 * How one rank's training ended, the same on every rank.
 *
 * @param steps committed steps in all
 * @param interrupted whether the user stopped it before the last step
 */
public record TrainingResult(long steps, boolean interrupted) implements Serializable {}
