package io.antiphon.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class PercentilesTest {

  @Test
  void takesTheValueAtTheNearestRank() {
    double[] hundredAndOne = IntStream.rangeClosed(1, 101).mapToDouble(i -> 102 - i).toArray();
    // places ceil(50.5), ceil(90.9), ceil(99.99)
    assertThat(Percentiles.of(hundredAndOne)).isEqualTo(new Percentiles(51, 91, 100, 101));
    double[] hundred = IntStream.rangeClosed(1, 100).mapToDouble(i -> i).toArray();
    assertThat(Percentiles.of(hundred)).isEqualTo(new Percentiles(50, 90, 99, 100));
  }

  @Test
  void isOneOfFewValues() {
    assertThat(Percentiles.of(7)).isEqualTo(new Percentiles(7, 7, 7, 7));
    assertThat(Percentiles.of(3, 1)).isEqualTo(new Percentiles(1, 3, 3, 3));
    assertThat(Percentiles.of(2, 4, 3)).isEqualTo(new Percentiles(3, 4, 4, 4));
  }

  @Test
  void leavesTheValuesInTheirOrder() {
    double[] values = {3, 1, 2};
    assertThat(Percentiles.of(values).p50()).isEqualTo(2);
    assertThat(values).containsExactly(3, 1, 2);
  }

  @Test
  void ofNothingIsNotANumber() {
    assertThat(Percentiles.of()).isEqualTo(Percentiles.NONE);
  }

  @Test
  void ofAStepGoesOverItsLayers() {
    long[] counts = {1};
    List<LayerLoad> layers =
        IntStream.range(0, 10)
            .mapToObj(i -> new LayerLoad(i, counts, counts, counts, 3 - 0.125 * i, 1 + i, 0, 0, 0))
            .toList();
    StepMetrics step = new StepMetrics(1, 2, 0, 0, 1, 1e-3, 10, 12, 0.5, 0, 0, 0, 0, layers);
    assertThat(step.loadBeforePercentiles()).isEqualTo(new Percentiles(2.375, 2.875, 3, 3));
    assertThat(step.loadAfterPercentiles()).isEqualTo(new Percentiles(5, 9, 10, 10));
  }
}
