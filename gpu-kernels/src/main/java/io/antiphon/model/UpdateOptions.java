package io.antiphon.model;

import io.antiphon.tensor.AdamOptions;
import io.antiphon.tensor.ScheduleOptions;

/**
 * How gradients become an update.
 *
 * @param adam numbers of AdamW
 * @param clipNorm largest global norm of a gradient; 0 for no limit
 * @param schedule learning rate over the steps
 */
public record UpdateOptions(AdamOptions adam, double clipNorm, ScheduleOptions schedule) {}
