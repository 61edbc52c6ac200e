package io.antiphon.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class CountSpreadTest {

  @Test
  void isOfTheWholePopulation() {
    // mean 5, squared distances 9 1 1 1 0 0 4 16
    assertThat(CountSpread.of(new long[] {2, 4, 4, 4, 5, 5, 7, 9}))
        .isEqualTo(new CountSpread(2, 9, 2));
  }

  @Test
  void ofEqualCountsIsZero() {
    assertThat(CountSpread.of(new long[] {7, 7, 7})).isEqualTo(new CountSpread(7, 7, 0));
  }

  @Test
  void isRelativeToTheMean() {
    assertThat(CountSpread.relative(new long[] {0, 4})).isEqualTo(new CountSpread(0, 2, 1));
    assertThat(CountSpread.relative(new long[2])).isEqualTo(CountSpread.NONE);
  }

  @Test
  void ofAStepIsTheMeanOverItsLayers() {
    StepMetrics step =
        new StepMetrics(
            1, 2, 0, 0, 1, 1e-3, 10, 12, 0.5, 0, 0, 0, 0, List.of(layer(0, 4), layer(2, 2)));
    assertThat(step.expertSpread()).isEqualTo(new CountSpread(0.5, 1.5, 0.5));
  }

  private static LayerLoad layer(int layer, long second) {
    long[] counts = {4 - second, second};
    return new LayerLoad(layer, counts, counts, counts, 1.5, 1.0, 0, 0, 0);
  }
}
