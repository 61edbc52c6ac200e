package io.antiphon.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The exponential function of fp32 arrays. */
class F32ExpTest {
  private final F32Exp exp = new F32Exp();

  @Test
  void isWithinOneTenMillionthOfTheExactValue() {
    int count = 50_000; // many blocks, the last one not full
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = -87.3f + i * (175.2f / count);
    }
    float[] results = values.clone();
    exp.apply(results, count);
    for (int i = 0; i < count; i++) {
      assertThat(results[i] / Math.exp(values[i])).as("e^%s", values[i]).isCloseTo(1, within(1e-7));
    }
  }

  @Test
  void limitsWhatCannotBeRepresented() {
    float[] values = {0, -0f, -88, -1e30f, Float.NEGATIVE_INFINITY, 88.5f, Float.POSITIVE_INFINITY};
    exp.apply(values, values.length);
    float largest = (float) Math.exp(88);
    assertThat(values)
        .containsExactly(new float[] {1, 1, 0, 0, 0, largest, largest}, within(1e31f));
  }

  @Test
  void keepsNotANumberOfEitherSign() {
    float[] values = {
      Float.NaN, Float.intBitsToFloat(0xffc00000), Float.intBitsToFloat(0x7f800001)
    };
    exp.apply(values, values.length);
    assertThat(values).containsOnly(Float.NaN);
  }

  @Test
  void leavesWhatLiesBehindTheCount() {
    float[] values = {1, 2, 3};
    exp.apply(values, 2);
    assertThat(values[2]).isEqualTo(3);
  }
}
