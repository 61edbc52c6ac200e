package io.antiphon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplingTest {
  private static final double[] LIKELY_FIRST = {3, 1, 2};

  @Test
  void withoutTemperatureTheLikeliestIsTakenAndTiesGoToTheLowest() {
    assertThat(new Sampling(0, 1, 1).next(LIKELY_FIRST)).isZero();
    assertThat(new Sampling(0, 1, 1).next(new double[] {1, 5, 5})).isEqualTo(1);
  }

  @Test
  void aSmallTopPLeavesTheLikeliestAlone() {
    Sampling sampling = new Sampling(1, 1e-9, 1);
    for (int draw = 0; draw < 100; draw++) {
      assertThat(sampling.next(LIKELY_FIRST)).isZero();
    }
  }

  /** Logits as large as a model may give, and as far apart: no draw may fall outside. */
  @Test
  void hugeLogitsAreNumbersToo() {
    double[] huge = {-Double.MAX_VALUE, Double.MAX_VALUE, 0};
    assertThat(new Sampling(0.8, 0.95, 1).next(huge)).isEqualTo(1);
    assertThat(new Sampling(0, 0.95, 1).next(huge)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void logitsThatAreNotFiniteAreARuinedModelAtAnyTemperature(double logit) {
    for (double temperature : new double[] {0, 0.8}) {
      assertThatThrownBy(() -> new Sampling(temperature, 0.95, 1).next(new double[] {1, logit}))
          .isInstanceOf(RuinedModel.class)
          .hasMessage("the model is ruined: its logit of token 1 is " + logit);
    }
  }
}
