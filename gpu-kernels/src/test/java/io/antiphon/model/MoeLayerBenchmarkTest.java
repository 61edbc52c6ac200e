package io.antiphon.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The benchmark's code on a CPU at a size that takes no time. */
class MoeLayerBenchmarkTest {
  private static MoeLayerBenchmark.Result measure(double skew) {
    MoeLayerBenchmark.Size size = new MoeLayerBenchmark.Size(96, 32, 8, 8, 2, skew);
    List<MoeLayerBenchmark.Result> results =
        RankThreads.run(
            1,
            1,
            TestDevice.F32,
            (backend, groups) ->
                MoeLayerBenchmark.measure(backend, groups, size, MoeLayerBenchmarkTest::onHost));
    return results.get(0);
  }

  private static double[] onHost(List<Runnable> work) {
    double[] times = new double[work.size()];
    for (int i = 0; i < times.length; i++) {
      long start = System.nanoTime();
      work.get(i).run();
      times[i] = (System.nanoTime() - start) / 1e6;
    }
    return times;
  }

  @Test
  void timesForwardAndBackwardAndEveryOperation() {
    MoeLayerBenchmark.Result result = measure(0);
    assertThat(result.forward().median()).isPositive();
    assertThat(result.both().fastest()).isPositive().isLessThanOrEqualTo(result.both().median());
    assertThat(result.both().slowest()).isGreaterThanOrEqualTo(result.both().median());
    assertThat(result.parts())
        .extracting(MoeLayerBenchmark.Part::operation, MoeLayerBenchmark.Part::calls)
        .contains(
            tuple("groupedGemm", 2),
            tuple("groupedGemmDgrad", 2),
            tuple("groupedGemmWgrad", 2),
            tuple("dispatch", 2),
            tuple("combine", 2),
            tuple("route", 1));
    assertThat(result.parts())
        .extracting(MoeLayerBenchmark.Part::milliseconds)
        .allMatch(t -> t > 0);
    assertThat(result.memoryBytes()).isPositive();
  }

  @Test
  void skewMakesTheFirstExpertsBusy() {
    assertThat(measure(0).maxOverMean()).isCloseTo(1, within(0.7));
    assertThat(measure(1.2).maxOverMean()).isGreaterThan(2);
  }
}
