package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.Objects;

/** What two runs that train the same model must agree on. */
final class RunComparison {
  private RunComparison() {}

  /** Relative to the loss of each step. */
  static void assertLosses(TestRun expected, TestRun actual, double relative) {
    for (int step = 0; step < expected.losses().size(); step++) {
      double loss = expected.losses().get(step);
      assertThat(actual.losses().get(step))
          .as("loss of step %d", step)
          .isCloseTo(loss, within(relative * loss));
    }
  }

  /** Relative to the largest gradient of the same parameter. */
  static void assertGradients(
      Map<String, double[]> expected, Map<String, double[]> actual, double relative) {
    assertThat(actual).containsOnlyKeys(expected.keySet());
    expected.forEach(
        (name, gradient) -> {
          double largest = 0;
          for (double value : gradient) {
            largest = Math.max(largest, Math.abs(value));
          }
          double[] other = Objects.requireNonNull(actual.get(name));
          for (int i = 0; i < gradient.length; i++) {
            assertThat(other[i])
                .as("%s[%d]", name, i)
                .isCloseTo(gradient[i], within(relative * largest));
          }
        });
  }
}
