package io.antiphon.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class CapacityTest {

  @Test
  void manyStepsAreReadOff() {
    double[] needs = new double[200_000];
    Arrays.setAll(needs, i -> 1 + i * 1e-6);
    Capacity capacity = Capacity.of(needs, 64);
    assertThat(capacity.extrapolated()).isFalse();
    // 20 steps may be above it
    assertThat(capacity.factor()).isCloseTo(1 + 199_979e-6, offset(1e-9));
    assertThat(capacity.explanation()).isEqualTo("read off 200000 steps");
  }

  /** The quantile of an exponential tail is known: ln(10^4) times its mean. */
  @Test
  void fewStepsAreExtrapolated() {
    Random random = new Random(1);
    double[] needs = random.doubles(5000).map(u -> 1 - 0.01 * Math.log(1 - u)).toArray();
    Capacity capacity = Capacity.of(needs, 64);
    assertThat(capacity.extrapolated()).isTrue();
    assertThat(capacity.factor()).isCloseTo(1 + 0.01 * Math.log(1e4), offset(0.01));
  }

  @Test
  void neverBelowWhatWasSeen() {
    double[] needs = new double[100];
    Arrays.fill(needs, 1);
    needs[17] = 3;
    Capacity capacity = Capacity.of(needs, 64);
    assertThat(capacity.factor()).isGreaterThanOrEqualTo(3);
    assertThat(capacity.worst()).isEqualTo(3);
  }

  @Test
  void neverAboveWhatOneRankWithEverythingNeeds() {
    double[] needs = {1, 2, 3, 4, 5, 6, 7, 8, 8, 8};
    assertThat(Capacity.of(needs, 8).factor()).isEqualTo(8);
  }

  @Test
  void equalStepsNeedNoMore() {
    double[] needs = new double[50];
    Arrays.fill(needs, 1.25);
    assertThat(Capacity.of(needs, 64).factor()).isEqualTo(1.25);
    assertThat(Capacity.of(new double[] {2}, 64).factor()).isEqualTo(2);
  }

  /** The rule of three: n steps without an overflow prove a rate of about 3 / n. */
  @Test
  void theProvenRateIsTheRuleOfThree() {
    double[] needs = new double[1000];
    Arrays.fill(needs, 1);
    assertThat(Capacity.of(needs, 64).provenRate()).isCloseTo(3e-3, offset(1e-4));
  }
}
