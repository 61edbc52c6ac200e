package io.antiphon.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

final class BucketedMeansTest {

  @Test
  void keepsEveryStepWhileThereIsRoom() {
    BucketedMeans means = new BucketedMeans(4, 1);
    for (int step = 1; step <= 4; step++) {
      means.add(step, new double[] {10 * step});
    }
    assertThat(means.width()).isEqualTo(1);
    assertThat(means.size()).isEqualTo(4);
    assertThat(means.step(2)).isEqualTo(3);
    assertThat(means.mean(2, 0)).isEqualTo(30);
  }

  @Test
  void doublesTheWidthWhenFull() {
    BucketedMeans means = new BucketedMeans(4, 1);
    for (int step = 1; step <= 9; step++) {
      means.add(step, new double[] {step});
    }
    // 1..4, 5..8 and 9 alone
    assertThat(means.width()).isEqualTo(4);
    assertThat(means.size()).isEqualTo(3);
    assertThat(means.mean(0, 0)).isEqualTo(2.5);
    assertThat(means.mean(1, 0)).isEqualTo(6.5);
    assertThat(means.mean(2, 0)).isEqualTo(9);
    assertThat(means.step(1)).isEqualTo(6.5);
  }

  @Test
  void staysBoundedForAnyNumberOfSteps() {
    BucketedMeans means = new BucketedMeans(100, 1);
    double sum = 0;
    for (int step = 1; step <= 100_000; step++) {
      means.add(step, new double[] {1});
      sum += 1;
    }
    assertThat(sum).isEqualTo(100_000);
    assertThat(means.size()).isBetween(51, 100);
    assertThat(means.width()).isEqualTo(1024);
  }

  @Test
  void mergesBucketsWithGapsBetweenThem() {
    BucketedMeans means = new BucketedMeans(2, 1);
    for (long step : new long[] {50, 100, 150, 200}) {
      means.add(step, new double[] {step});
    }
    assertThat(means.size()).isEqualTo(2);
    assertThat(means.mean(0, 0)).isEqualTo(75);
    assertThat(means.mean(1, 0)).isEqualTo(175);
  }

  @Test
  void valuesThatAreNotFiniteDoNotCount() {
    BucketedMeans means = new BucketedMeans(1, 2);
    means.add(1, new double[] {Double.NaN, Double.POSITIVE_INFINITY});
    assertThat(means.mean(0, 0)).isNaN();
    means.add(2, new double[] {4, 6});
    assertThat(means.mean(0, 0)).isEqualTo(4);
    assertThat(means.mean(0, 1)).isEqualTo(6);
  }

  @Test
  void fieldsCanBeAppendedLater() {
    BucketedMeans means = new BucketedMeans(8, 1);
    means.add(1, new double[] {1});
    means.add(2, new double[] {2, 20});
    means.add(3, new double[] {3});
    assertThat(means.mean(0, 1)).isNaN();
    assertThat(means.mean(1, 1)).isEqualTo(20);
    assertThat(means.mean(2, 1)).isNaN();
  }

  @Test
  void refusesToGoBack() {
    BucketedMeans means = new BucketedMeans(8, 1);
    means.add(5, new double[] {1});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> means.add(4, new double[] {1}))
        .withMessageContaining("step 4");
  }
}
