package io.antiphon.tensor;

/**
 * Linear warm-up, then cosine decay.
 *
 * @param peak learning rate at the end of the warm-up
 * @param floor learning rate at the last step and after it
 * @param warmupSteps steps of the warm-up; the first step has {@code peak / warmupSteps}
 * @param steps steps in all
 */
public record ScheduleOptions(double peak, double floor, long warmupSteps, long steps) {
  /** The learning rate of the update with this 0-based index. */
  public double at(long step) {
    if (step < warmupSteps) {
      return peak * (step + 1) / warmupSteps;
    }
    if (step >= steps) {
      return floor;
    }
    double progress = (double) (step - warmupSteps) / Math.max(1, steps - warmupSteps);
    return floor + 0.5 * (peak - floor) * (1 + Math.cos(Math.PI * progress));
  }
}
