package io.antiphon.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class SyntheticWorkloadTest {
  private static final int RANKS = 4;
  private static final int EXPERTS = 16;
  private static final int TOP_K = 2;
  private static final int TOKENS = 1000;

  // Whoever published figures from a seed must be able to get them again.
  private static final int ZIPF_DIGEST = -1154861517;
  private static final int W1_DIGEST = -1385913923;

  static WorkloadOptions options(int ranks, long seed) {
    return new WorkloadOptions(ranks, EXPERTS, TOP_K, TOKENS, 3, 20, seed, 1.0, 10, EXPERTS / 4);
  }

  private static int[] counts(WorkloadKind kind, long step, int layer) {
    return counts(kind, RANKS, 1, step, layer);
  }

  private static int[] counts(WorkloadKind kind, int ranks, long seed, long step, int layer) {
    int[] counts = new int[ranks * EXPERTS];
    new SyntheticWorkload(kind, options(ranks, seed)).fill(step, layer, counts);
    return counts;
  }

  private static int[] loads(int[] counts) {
    int[] loads = new int[EXPERTS];
    for (int i = 0; i < counts.length; i++) {
      loads[i % EXPERTS] += counts[i];
    }
    return loads;
  }

  @ParameterizedTest
  @EnumSource(WorkloadKind.class)
  void everyTokenChoosesTopKDifferentExperts(WorkloadKind kind) {
    int[] counts = counts(kind, 7, 1);
    for (int rank = 0; rank < RANKS; rank++) {
      int[] row = Arrays.copyOfRange(counts, rank * EXPERTS, (rank + 1) * EXPERTS);
      int tokens = kind == WorkloadKind.W4 ? TOKENS * (2 * rank + 1) / 4 : TOKENS;
      assertThat(Arrays.stream(row).sum()).isEqualTo(tokens * TOP_K);
      assertThat(Arrays.stream(row).max().orElseThrow()).isLessThanOrEqualTo(tokens);
    }
  }

  @ParameterizedTest
  @EnumSource(WorkloadKind.class)
  void countsFollowFromSeedStepLayerAndRankAlone(WorkloadKind kind) {
    int[] alone = counts(kind, 5, 2);
    SyntheticWorkload inOrder = new SyntheticWorkload(kind, options(RANKS, 1));
    int[] walked = new int[RANKS * EXPERTS];
    for (int sample = 0; sample <= 5 * 3 + 2; sample++) {
      inOrder.next().orElseThrow().fill(walked);
    }
    assertThat(walked).isEqualTo(alone);
    // More ranks add rows; those of the first ranks stay.
    int[] larger = counts(kind, 2 * RANKS, 1, 5, 2);
    assertThat(Arrays.copyOf(larger, alone.length)).isEqualTo(alone);
  }

  @ParameterizedTest
  @EnumSource(value = WorkloadKind.class, mode = EnumSource.Mode.EXCLUDE, names = "W0")
  void anotherSeedLayerOrStepGivesOtherCounts(WorkloadKind kind) {
    int[] counts = counts(kind, RANKS, 1, 5, 1);
    assertThat(counts(kind, RANKS, 2, 5, 1)).isNotEqualTo(counts);
    assertThat(counts(kind, RANKS, 1, 6, 1)).isNotEqualTo(counts);
    assertThat(counts(kind, RANKS, 1, 5, 2)).isNotEqualTo(counts);
  }

  @Test
  void theDrawsStayWhatTheyAre() {
    assertThat(Arrays.hashCode(counts(WorkloadKind.ZIPF, 0, 0))).isEqualTo(ZIPF_DIGEST);
    assertThat(Arrays.hashCode(counts(WorkloadKind.W1, 0, 0))).isEqualTo(W1_DIGEST);
  }

  @Test
  void w0IsBalancedAsFarAsIntegersAllow() {
    int[] loads = loads(counts(WorkloadKind.W0, 3, 0));
    assertThat(loads).containsOnly(RANKS * TOKENS * TOP_K / EXPERTS);
  }

  /** Three of four tokens take 2 of 4 hot experts: 0.375 + 0.25 / 8 of the tokens want each. */
  @Test
  void w1AndW2HeatTheFirstQuarter() {
    for (WorkloadKind kind : new WorkloadKind[] {WorkloadKind.W1, WorkloadKind.W2}) {
      int[] loads = loads(counts(kind, 3, 0));
      for (int expert = 0; expert < EXPERTS; expert++) {
        double share = (double) loads[expert] / (RANKS * TOKENS);
        double expected = expert < 4 ? 0.75 * 2 / 4 + 0.25 * 2 / 16 : 0.25 * 2 / 16;
        assertThat(share).isCloseTo(expected, offset(0.03));
      }
    }
  }

  @Test
  void w3HeatsEveryOtherExpert() {
    int[] loads = loads(counts(WorkloadKind.W3, 3, 0));
    int even = IntStream.range(0, 8).map(i -> loads[2 * i]).min().orElseThrow();
    int odd = IntStream.range(0, 8).map(i -> loads[2 * i + 1]).max().orElseThrow();
    assertThat(even).isGreaterThan(3 * odd);
  }

  @Test
  void w5LeavesHalfOfTheExpertsAndTheirRanksEmpty() {
    int[] loads = loads(counts(WorkloadKind.W5, 3, 0));
    assertThat(Arrays.copyOf(loads, 8)).containsOnly(0);
    assertThat(Arrays.stream(loads).skip(8).min().orElseThrow()).isPositive();
  }

  @Test
  void w6RotatesEveryThreeSteps() {
    for (int step = 0; step < 13; step++) {
      int[] loads = loads(counts(WorkloadKind.W6, step, 0));
      int base = step / 3 * 4 % EXPERTS;
      int[] hottest =
          IntStream.range(0, EXPERTS)
              .boxed()
              .sorted((one, other) -> loads[other] - loads[one])
              .limit(4)
              .mapToInt(Integer::intValue)
              .toArray();
      assertThat(hottest)
          .as("step %d", step)
          .containsExactlyInAnyOrder(base, base + 1, base + 2, base + 3);
    }
  }

  @Test
  void w7BurstsOnEveryFourthStep() {
    for (int step = 0; step < 8; step++) {
      int[] loads = loads(counts(WorkloadKind.W7, step, 0));
      double hot = Arrays.stream(loads, 0, 4).average().orElseThrow();
      double cold = Arrays.stream(loads, 4, EXPERTS).average().orElseThrow();
      assertThat(hot / cold > 2).as("step %d", step).isEqualTo(step % 4 == 3);
    }
  }

  @Test
  void sharesFollowZipfsLawAndDriftKeepsIt() {
    Popularity popularity = new Popularity(EXPERTS, 1, 1, 7);
    double harmonic = IntStream.rangeClosed(1, EXPERTS).mapToDouble(n -> 1.0 / n).sum();
    for (double[] shares : new double[][] {popularity.shares(0), popularity.shares(0, 33, 10)}) {
      double[] sorted = shares.clone();
      Arrays.sort(sorted);
      for (int n = 1; n <= EXPERTS; n++) {
        assertThat(sorted[EXPERTS - n]).isCloseTo(1 / (n * harmonic), offset(1e-12));
      }
    }
    assertThat(popularity.shares(0)).isNotEqualTo(popularity.shares(1));
    // A new order after the period, nearly the same one after a step.
    double[] now = popularity.shares(0, 0, 1000);
    assertThat(distance(now, popularity.shares(0, 1, 1000)))
        .isLessThan(0.2 * distance(now, popularity.shares(0, 1000, 1000)));
  }

  private static double distance(double[] one, double[] other) {
    double sum = 0;
    for (int i = 0; i < one.length; i++) {
      sum += Math.abs(one[i] - other[i]);
    }
    return sum;
  }

  @Test
  void noExpertIsWantedByMoreThanEveryToken() {
    for (int topK : new int[] {1, 2, 3, 7, EXPERTS}) {
      double[] shares = new Popularity(EXPERTS, 5, topK, 1).shares(0);
      assertThat(Arrays.stream(shares).max().orElseThrow()).isLessThanOrEqualTo(1.0 / topK + 1e-12);
      assertThat(Arrays.stream(shares).sum()).isCloseTo(1, offset(1e-9));
    }
  }

  @Test
  void drawsFollowTheShares() {
    double[] shares = {0.5, 0.25, 0.125, 0.125, 0};
    ExpertPool pool = ExpertPool.weighted(shares);
    RandomStream random = RandomStream.of(3);
    int[] drawn = new int[shares.length];
    for (int i = 0; i < 100_000; i++) {
      drawn[pool.draw(random)]++;
    }
    for (int expert = 0; expert < shares.length; expert++) {
      assertThat(drawn[expert] / 1e5).isCloseTo(shares[expert], offset(0.01));
    }
    assertThat(drawn[4]).isZero();
  }

  @Test
  void sizesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new WorkloadOptions(3, 16, 2, 10, 1, 1, 1, 1, 1, 4))
        .isInstanceOf(OptionException.class)
        .hasMessage("--experts 16 cannot be shared evenly by --ranks 3. Use a multiple of 3.");
    assertThatThrownBy(() -> new WorkloadOptions(2048, 2048, 2, 10, 1, 1, 1, 1, 1, 4))
        .hasMessageContaining("--ranks must be in [1, 1024], was 2048");
    assertThatThrownBy(() -> new WorkloadOptions(4, 16, 17, 10, 1, 1, 1, 1, 1, 17))
        .hasMessageContaining("--top-k must be in [1, 16]");
    assertThatThrownBy(() -> new WorkloadOptions(4, 16, 2, 10, 1, 1, 1, Double.NaN, 1, 4))
        .hasMessageContaining("--zipf-exponent must be a number in [0, 8], was NaN");
    assertThatThrownBy(() -> new WorkloadOptions(1024, 1024, 64, 1 << 20, 1, 1, 1, 1, 1, 64))
        .hasMessageContaining("too many assignments");
  }
}
