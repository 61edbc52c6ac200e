package io.antiphon.monitor;

import java.time.Duration;

/** How fast steps pass lately, and when the last one will be done at that pace. */
final class Pace {

  /** Share of the newest step in the moving average; the average reaches back some 20 steps. */
  private static final double NEWEST = 0.1;

  private double secondsPerStep;
  private double tokensPerSecond;
  private boolean warm;

  void add(double stepSeconds, long tokens) {
    if (!warm) {
      warm = true;
      secondsPerStep = stepSeconds;
    }
    secondsPerStep += NEWEST * (stepSeconds - secondsPerStep);
    tokensPerSecond = tokens / secondsPerStep;
  }

  double tokensPerSecond() {
    return tokensPerSecond;
  }

  Duration remaining(long steps) {
    return Figures.seconds(secondsPerStep * Math.max(0, steps));
  }
}
