package io.antiphon.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import io.antiphon.plan.BalanceOptions;
import io.antiphon.plan.EchoPlan;
import io.antiphon.plan.PlanInvariants;
import io.antiphon.plan.PlanShape;
import io.antiphon.plan.Planner;
import io.antiphon.plan.PlannerKind;
import io.antiphon.plan.RankLoads;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * With as many slots as home experts, the balanced planner reaches the mean, rounded up, on every
 * workload. {@code -Dantiphon.matrices=100000} tries more steps.
 */
class AlwaysExactWorkloadsTest {
  private static final int[] RANKS = {2, 3, 8, 16, 64, 256};
  private static final int MATRICES = Integer.getInteger("antiphon.matrices", 600);

  @ParameterizedTest
  @EnumSource(WorkloadKind.class)
  void theLargestLoadIsTheMeanRoundedUp(WorkloadKind kind) {
    for (int ranks : RANKS) {
      int localExperts = ranks > 64 ? 2 : 4;
      PlanShape shape = new PlanShape(ranks, ranks * localExperts, localExperts);
      Planner planner = PlannerKind.BALANCED.create(shape, BalanceOptions.EXACT);
      int steps = Math.max(2, MATRICES / (ranks * WorkloadKind.values().length));
      try (SampleSource source = source(kind, shape, steps)) {
        EchoPlan plan = new EchoPlan(shape);
        int[] counts = new int[ranks * shape.experts()];
        int[] loads = new int[ranks];
        for (var sample = source.next(); sample.isPresent(); sample = source.next()) {
          sample.get().fill(counts);
          planner.plan(counts, plan);
          PlanInvariants.require(plan, counts);
          RankLoads.after(plan, counts, loads);
          long total = Arrays.stream(counts).asLongStream().sum();
          assertThat(Arrays.stream(loads).max().orElseThrow())
              .as("%s, step %d", shape, sample.get().step())
              .isEqualTo((int) ((total + ranks - 1) / ranks));
        }
      }
    }
  }

  private static SampleSource source(WorkloadKind kind, PlanShape shape, int steps) {
    int topK = Math.min(4, shape.experts());
    return new SyntheticWorkload(
        kind,
        new WorkloadOptions(
            shape.ranks(), shape.experts(), topK, 256, 1, steps, 7, 1.0, 100, Math.max(topK, 8)));
  }
}
